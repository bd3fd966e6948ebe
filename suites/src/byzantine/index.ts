/** One node in ten lies, in six ways: what the honest ones say to each other arrives all the same. */
import { type Liar, LIARS, type NodeHandle, nodeName, type Suite } from '@muster/lab';
import { claims } from '@muster/proof';
import { exercise, suiteOf } from '../exercise.ts';
import { countersOf } from '../nodes.ts';
import { Audience } from '../overlay/audience.ts';

/** one liar of each kind */
const NODES = 60;
const ONE_IN = 10;
const MESSAGES = 30;
/** ms between two messages */
const EVERY_MS = 300;
const KNOWN_MS = 30_000;
const ARRIVAL_MS = 30_000;
const ALONE_MS = 120_000;
const LIMIT_MS = 600_000;
/** what nobody can mistake for an accident: whoever does it is cut off */
const CUT: readonly Liar[] = ['forges', 'invents-interest'];

/** The last tenth of the nodes, and how each lies. */
function liarsAmong(nodes: number): Readonly<Record<string, Liar>> {
  const count = Math.max(1, Math.round(nodes / ONE_IN));
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [nodeName(nodes - 1 - index), LIARS[index % LIARS.length]!]));
}

const liars = (nodes: number) => {
  const lying = liarsAmong(nodes);
  return exercise(
    {
      'byzantine.delivers': 'With one in ten nodes lying, each message of an honest node reaches every honest subscriber, exactly once.',
      'byzantine.cut': 'Whoever forges, or makes up topics without end, is cut off by every honest node next to it.',
    },
    {
      id: 'byzantine/liars',
      title: `${Object.keys(lying).length} of ${nodes} nodes lie, and the others miss nothing`,
      needs: { nodes, liars: lying, capabilities: ['messaging.publish', 'messaging.events', 'network.peers', 'status.metrics'] },
      limit: LIMIT_MS,
      phases: {
        async drive(context) {
          const { claim, clock, nodes: all, random, record, signal, topic } = context;
          const honest = all.filter(({ name }) => !(name in lying));
          const dishonest = all.filter(({ name }) => name in lying);
          const near = record.observe('lab', 'liars', 'neighbours', await neighboursOf(honest, dishonest));
          await using audience = await Audience.of(context, honest, topic('honest'));
          let said = 0;
          const known = await context.eventually('a message of one is heard by all', async () => {
            await audience.say(honest[0]!, [`probe ${++said}`]);
            await clock.sleep(1_000, signal);
            return honest.every((node) => audience.count(node) > 0);
          }, KNOWN_MS); // prettier-ignore
          for (let turn = 1; turn <= MESSAGES; turn++) {
            await audience.say(random.pick(honest), [`message ${turn}`]);
            await clock.sleep(EVERY_MS, signal);
          }
          await audience.heard(honest, said + MESSAGES, 'every honest node has heard everything', ARRIVAL_MS);
          // Cut off by some, a liar turns to others, until nobody is left.
          const shunned = dishonest.filter(({ name }) => CUT.includes(lying[name]!));
          await context.eventually('the worst liars are alone', async () => {
            await clock.sleep(1_000, signal);
            const { least: _, ...counts } = await neighboursOf(honest, shunned);
            return Object.values(counts).every((count) => count === 0);
          }, ALONE_MS); // prettier-ignore
          record.observe('lab', 'liars', 'cut off', await cutsBy(honest));
          const left = record.observe('lab', 'liars', 'neighbours', await neighboursOf(honest, dishonest));
          claim('interest', 'byzantine.delivers', 'MUST', claims.exists({ seq: known.seq, at: '/data/ms' }), {
            title: 'a first message reaches all',
          });
          const inTheWay = claims.atLeast({ seq: near.seq, at: '/data/least' }, 1);
          claim('delivers', 'byzantine.delivers', 'MUST', audience.exactlyOnce(honest), { premise: inTheWay });
          for (const { name } of shunned) {
            const alone = claims.atMost({ seq: left.seq, at: `/data/${name}` }, 0, 'neighbours');
            claim(`cut/${name}`, 'byzantine.cut', 'MUST', alone, { title: `${lying[name]}: cut off`, premise: inTheWay });
          }
        },
      },
    },
  );
};

/** How many honest nodes each liar is linked with. */
async function neighboursOf(honest: readonly NodeHandle[], dishonest: readonly NodeHandle[]): Promise<Record<string, number>> {
  const lists = await Promise.all(honest.map(async ({ client }) => (await client.network.peers()).peers.map(({ id }) => id)));
  const counts = dishonest.map(({ name, machineId }) => [name, lists.filter((ids) => ids.includes(machineId)).length] as const);
  return { ...Object.fromEntries(counts), least: Math.min(...counts.map(([, count]) => count)) };
}

/** What the honest nodes cut others off for, and how often. */
async function cutsBy(honest: readonly NodeHandle[]): Promise<Record<string, number>> {
  const cuts: Record<string, number> = {};
  for (const node of honest)
    for (const [name, count] of await countersOf(node)) {
      const reason = /^overlay_cut_total\{reason="(.*)"\}$/u.exec(name)?.[1];
      if (reason !== undefined) cuts[reason] = (cuts[reason] ?? 0) + count;
    }
  return cuts;
}

export const byzantine = (nodes: number = NODES): Suite => suiteOf('byzantine', 'Nodes that lie', [liars(nodes)]);
