import type { Fault, NodeHandle, ScenarioContext } from '@muster/lab';
import { type Claim, claims } from '@muster/proof';
import { type Exercise, exercise } from '../exercise.ts';
import { peersOf, untilMeshed } from '../links/peers.ts';
import { countersOf, openStream, threeOf } from '../nodes.ts';
import { told, untilSeen } from './looks.ts';

/** ms in which nodes are linked, and see one another, on a busy machine */
const BEGIN_MS = 15_000;
/** ms in which a link that carries nothing any more is noticed */
const NOTICED_MS = 15_000;
/** ms after that in which an agent that does not answer would be seen down */
const DOUBT_MS = 9_000;
const INTERVAL_SECS = 2;
/** ms of silence after which an agent would be seen down: seven beacons, and some */
const SILENCE_MS = 7.5 * INTERVAL_SECS * 1_000;
const NEEDS = {
  nodes: 3,
  wiring: 'proxied',
  powers: ['half-open'],
  config: { presence_beacon_interval_secs: INTERVAL_SECS },
  capabilities: ['presence.status', 'presence.events', 'network.peers', 'status.metrics'],
} as const;

export const doubt: Exercise = exercise(
  {
    'presence.hint':
      'A link that breaks is a hint, not a verdict: an agent that is reached another way stays online, and was asked for a sign of life.',
  },
  {
    id: 'presence/doubt',
    title: 'a broken link makes nobody offline who is reached another way',
    needs: NEEDS,
    phases: {
      async drive(context) {
        const { claim, eventually, faults, signal } = context;
        const nodes = await watched(context);
        const parted = await faults.partition('bridge');
        const cut = parted.partition.cuts.map(({ from, to }) => [named(nodes, from), named(nodes, to)] as const);
        const unlinked = async (): Promise<boolean> =>
          (await Promise.all(cut.map(async ([from, to]) => (await peersOf(to, signal))?.includes(from.machineId)))).every(
            (linked) => linked === false,
          );
        const lost = await eventually('the link across the cut is gone', unlinked, NOTICED_MS);
        const asks = async (): Promise<boolean> =>
          (await Promise.all(nodes.map(async (node) => (await countersOf(node)).get('presence_asks_total') ?? 0))).some((count) => count > 0);
        const asked = await eventually('somebody was asked for a sign of life', asks, DOUBT_MS);
        await calm(context, Math.max(0, DOUBT_MS - asked.ms));
        const premise = claims.exists({ seq: lost.seq, at: '/data/ms' });
        claim('asked', 'presence.hint', 'MUST', claims.exists({ seq: asked.seq, at: '/data/ms' }), { premise, needsFaults: [parted] });
        claimSteady(context, 'presence.hint', parted, premise);
        await parted.heal();
      },
    },
  },
);

export const lossy: Exercise = exercise(
  { 'presence.no-flapping': 'While every path loses 20 % of its segments nobody who is up is seen down.' },
  {
    id: 'presence/lossy',
    title: 'lost segments make nobody offline who is there',
    needs: NEEDS,
    phases: {
      async drive(context) {
        await watched(context);
        const bad = await context.faults.badPaths('all', { delayMs: 10, jitterMs: 20, loss: 0.2 });
        const over = await calm(context, SILENCE_MS);
        claimSteady(context, 'presence.no-flapping', bad, claims.exists({ seq: over.seq, at: '/data/waited' }));
        await bad.heal();
      },
    },
  },
);

/** All see one another online, and every node's presence stream is followed. */
async function watched(context: ScenarioContext): Promise<readonly NodeHandle[]> {
  const nodes = threeOf(context);
  await untilMeshed(context, nodes, BEGIN_MS);
  await untilSeen(context, nodes, BEGIN_MS);
  for (const node of nodes) await openStream(context, node, 'presence.events');
  return nodes;
}

/** Lets time pass in which something would have been told. */
function calm({ eventually }: ScenarioContext, ms: number) {
  return eventually('time has passed', async () => false, ms);
}

/** Nobody was told offline by anybody, each came online once. */
function claimSteady(context: ScenarioContext, requirement: string, fault: Fault, premise: Claim): void {
  const nodes = threeOf(context);
  for (const node of nodes) {
    for (const other of nodes.filter((each) => each !== node)) {
      const options = { premise, needsFaults: [fault] };
      const pair = `${node.name}-${other.name}`;
      context.claim(`steady/${pair}`, requirement, 'MUST', claims.never(told(node, other, 'offline')), options);
      context.claim(`once/${pair}`, requirement, 'MUST', claims.occurs(told(node, other, 'online'), { atLeast: 1, atMost: 1 }), options);
    }
  }
}

function named(nodes: readonly NodeHandle[], name: string): NodeHandle {
  const found = nodes.find((node) => node.name === name);
  if (!found) throw new RangeError(`no node ${name}`);
  return found;
}
