/** Two nodes that go about their business while a third party does its worst beside them. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { claims } from '@muster/proof';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, claimBounded, twoOf } from '../nodes.ts';
import { PROMPT, promptLimit, type Stretch, Traffic } from '../traffic.ts';

/** operations per second of both together */
const RATE = 20;
/** ms of undisturbed traffic to compare with */
const ALONE_MS = 1_500;
/** ms that it goes on for longer than an answer may take: whoever is kept waiting until it is over waits too long */
const LONGER_MS = 2_000;
/** ms that those answers may take at most, for there to be something to compare with: a machine that keeps everybody waiting shows nothing */
const LIMIT_MOST_MS = 20_000;
/** of each scenario of the suite, which goes on for as long as answers take */
export const LIMIT_MS = 600_000;
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

/** What goes on beside the traffic. */
interface Attack {
  /** aborts after `ms`: time to end */
  readonly over: AbortSignal;
  readonly ms: number;
  /** to be called whenever something hostile was said, or accepted */
  struck(): void;
}

export type Worst = (nodes: readonly [NodeHandle, NodeHandle], attack: Attack) => Promise<void>;

/** Has alice and bob talk while `happen` goes on, and claims that they were none the worse. @returns what their traffic came to */
export async function unharmed(context: ScenarioContext, name: string, happen: Worst): Promise<Stretch> {
  const { clock, signal } = context;
  const [alice, bob] = twoOf(context);
  await untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS);
  await using traffic = await Traffic.of(context, [alice, bob], RATE);
  const alone = await traffic.runFor(ALONE_MS);
  const limit = promptLimit(alone);
  const ms = limit + LONGER_MS;
  const { seq: before } = context.record.observe('lab', name, 'alone', { limit });
  context.claim('comparable', `isolation.${name}.prompt`, 'MUST', claims.atMost({ seq: before, at: '/data/limit' }, LIMIT_MOST_MS, 'ms'), {
    blame: 'harness',
  });
  const begun = clock.monotonic();
  let last = begun;
  const struck = (): void => void (last = clock.monotonic());
  const stretch = await traffic.during(() => happen([alice, bob], { over: AbortSignal.any([clock.timeout(ms), signal]), ms, struck }));
  const { seq } = context.record.observe('lab', name, 'over', { last_struck_ms: Math.round(last - begun) });
  await context.sample();
  traffic.claimWhole('whole', `isolation.${name}.whole`, stretch);
  traffic.claimPrompt('prompt', `isolation.${name}.prompt`, stretch, alone);
  context.claim('lasted', `isolation.${name}.prompt`, 'MUST', claims.atLeast({ seq, at: '/data/last_struck_ms' }, limit, 'ms'), { blame: 'harness' });
  claimBounded(context, '', `isolation.${name}.bounded`, [alice, bob], MOST);
  return stretch;
}
