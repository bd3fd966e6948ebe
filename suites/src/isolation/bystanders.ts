/** Two nodes that go about their business while a third party does its worst beside them. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, claimBounded, twoOf } from '../nodes.ts';
import { PROMPT, type Stretch, Traffic } from '../traffic.ts';

/** operations per second of both together */
const RATE = 20;
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
    [`isolation.${name}.prompt`]: `During ${worst} 99 of 100 answers that others wait for take at most ${PROMPT} before.`,
    [`isolation.${name}.bounded`]: `${worst[0]!.toUpperCase()}${worst.slice(1)} takes no more than a bounded amount of memory, handles and sockets of a node.`,
  };
}

/** Has alice and bob talk for as long as `happen` takes, and claims that they were none the worse. @returns what their traffic came to */
export async function unharmed(
  context: ScenarioContext,
  name: string,
  happen: (nodes: readonly [NodeHandle, NodeHandle]) => Promise<void>,
): Promise<Stretch> {
  const [alice, bob] = twoOf(context);
  await untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS);
  await using traffic = await Traffic.of(context, [alice, bob], RATE);
  const alone = await traffic.runFor(ALONE_MS);
  const stretch = await traffic.during(() => Promise.all([happen([alice, bob]), context.clock.sleep(LEAST_MS, context.signal)]));
  await context.sample();
  traffic.claimWhole('whole', `isolation.${name}.whole`, stretch);
  traffic.claimPrompt('prompt', `isolation.${name}.prompt`, stretch, alone);
  claimBounded(context, '', `isolation.${name}.bounded`, [alice, bob], MOST);
  return stretch;
}
