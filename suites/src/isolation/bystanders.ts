/** Two nodes that go about their business while a third party does its worst beside them. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { claims, RESOURCES } from '@muster/proof';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, twoOf } from '../nodes.ts';
import { type Stretch, Traffic } from '../traffic.ts';

/** operations per second of both together */
const RATE = 20;
/** How much longer 99 of 100 answers may take than when nobody disturbs: times, and ms besides. Measured on the spot, as others use the machine, too. */
const P99_TIMES = 10;
const P99_MS = 3_000;
/** ms of undisturbed traffic to compare with */
const ALONE_MS = 1_500;
/** ms of traffic beside it, however soon it is over */
const LEAST_MS = 1_500;
/** what nodes have at rest is about a quarter of each */
const MOST = { '/rss_bytes': 450e6, '/handles': 250, '/sockets': 150 } as const;

/** What each scenario of the suite requires of its bystanders, under its own name. */
export function bystandersOf(name: string, worst: string): Readonly<Record<string, string>> {
  return {
    [`isolation.${name}.whole`]: `During ${worst} nothing that others say is refused, lost, doubled or forged.`,
    [`isolation.${name}.prompt`]: `During ${worst} others wait for 99 of 100 answers at most ${P99_TIMES} times as long as before, and ${P99_MS / 1_000} s.`,
    [`isolation.${name}.bounded`]: `${worst[0]!.toUpperCase()}${worst.slice(1)} takes no more than a bounded amount of memory, handles and sockets of a node.`,
  };
}

/** Has alice and bob talk for as long as `happen` takes, and claims that they were none the worse. @returns what their traffic came to */
export async function unharmed(
  context: ScenarioContext,
  name: string,
  happen: (nodes: readonly [NodeHandle, NodeHandle]) => Promise<void>,
): Promise<Stretch> {
  const { claim, sample } = context;
  const [alice, bob] = twoOf(context);
  await untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS);
  await using traffic = await Traffic.of(context, [alice, bob], RATE);
  const alone = await traffic.runFor(ALONE_MS);
  const over = new AbortController();
  const running = traffic.run(over.signal);
  try {
    await Promise.all([happen([alice, bob]), context.clock.sleep(LEAST_MS, context.signal)]);
  } finally {
    over.abort();
    await running;
  }
  await sample();
  const stretch = await running;
  traffic.claimWhole('whole', `isolation.${name}.whole`, stretch);
  const limit = Math.round(alone.offered.latency_p99_ms * P99_TIMES + P99_MS);
  const prompt = claims.atMost(stretch.number('latency_p99_ms'), limit, 'ms');
  claim('prompt', `isolation.${name}.prompt`, 'MUST', prompt, { title: `${P99_TIMES} times what it was before, and ${P99_MS} ms` });
  // What the system knows of processes of this host.
  if (!alice.target.local || !bob.target.local) return stretch;
  for (const [at, most] of Object.entries(MOST)) {
    const samples = { nodes: [alice.name, bob.name], stream: RESOURCES };
    claim(`bounded${at}`, `isolation.${name}.bounded`, 'MUST', claims.resourceEnvelope({ samples, at, most }));
  }
  return stretch;
}
