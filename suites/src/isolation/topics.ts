import { type PeerLink, placeOf, type ScenarioContext, ScriptedPeer } from '@muster/lab';
import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { bystandersOf, LIMIT_MS, unharmed } from './bystanders.ts';

const TOPICS = 10_000;
/** of one message between neighbours */
const ITEMS = 100;
/** at a time: whoever wants more kept for it than there is room for is cut off */
const AT_ONCE = 1_500;
/** ms between two messages of whoever wants all at once, so that all are read */
const PAUSE_MS = 10;
/** ms in which a busy node has read what it cuts off for */
const CUT_MS = 10_000;
/** ms after which another one comes that does, once one was cut off */
const NEXT_MS = 1_000;

const REQUIRED = {
  ...bystandersOf('topics', 'the announcement of 10,000 topics by one peer'),
  'isolation.topics.kept': 'Whoever takes part in 10,000 topics, no more than 1,500 of them at a time, keeps its link.',
  'isolation.topics.greedy': 'Whoever wants to take part in 10,000 topics at once is cut off.',
};

type Told = { topics: number; cut: boolean };

export const topics = exercise(REQUIRED, {
  id: 'isolation/topics',
  title: 'a peer that takes part in 10,000 topics costs others nothing',
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['messaging.publish', 'direct.send'], exclusive: 'it fills the tables of topics' },
  limit: LIMIT_MS,
  phases: {
    async drive(context) {
      const { claim, clock, eventually, record, signal } = context;
      const told: Told = { topics: 0, cut: false };
      const greedy: Told[] = [];
      let refused = 0;
      await unharmed(context, 'topics', async ([alice], { over, ms, struck }) => {
        const place = await placeOf(alice);
        const modest = async (): Promise<void> => {
          await using peer = new ScriptedPeer(place);
          const link = await dialled(peer, place.address);
          if (link) await announce(context, link, told, { atOnce: AT_ONCE, pauseMs: (ms * ITEMS) / TOPICS, struck });
          told.cut = link?.isClosed ?? false;
        };
        const insatiable = async (): Promise<void> => {
          while (!over.aborted) {
            await using peer = new ScriptedPeer(place);
            const link = await dialled(peer, place.address);
            if (link) {
              const one: Told = { topics: 0, cut: false };
              greedy.push(one);
              await announce(context, link, one, { atOnce: TOPICS, pauseMs: PAUSE_MS, struck });
              await eventually('whoever wants too much is cut off', () => link.isClosed, CUT_MS);
              one.cut = link.isClosed;
            } else refused++;
            await clock.sleep(NEXT_MS, signal);
          }
        };
        await Promise.all([modest(), insatiable()]);
      });
      const { seq } = record.observe('peer', 'topics', 'announced', told);
      const { seq: wanted } = record.observe('others', 'topics', 'wanted', {
        topics: greedy.map(({ topics }) => topics),
        came: greedy.length,
        refused,
        stayed: greedy.filter(({ cut }) => !cut).length,
      });
      claim('came', 'isolation.topics.greedy', 'MUST', claims.atLeast({ seq: wanted, at: '/data/came' }, 1, 'peers'), { blame: 'harness' });
      claim('greedy', 'isolation.topics.greedy', 'MUST', claims.equals({ seq: wanted, at: '/data/stayed' }, 0));
      claim('announced', 'isolation.topics.whole', 'MUST', claims.atLeast({ seq, at: '/data/topics' }, TOPICS, 'topics'), { blame: 'harness' });
      claim('kept', 'isolation.topics.kept', 'MUST', claims.equals({ seq, at: '/data/cut' }, false));
    },
  },
});

/** A link, or none: a node may refuse a stranger, or not come to answer it. */
function dialled(peer: ScriptedPeer, address: string): Promise<PeerLink | undefined> {
  return peer.dial(address).catch(() => undefined);
}

/** Takes part in 10,000 topics, `atOnce` of them at a time, unless it is cut off before. */
async function announce(
  { clock, signal }: ScenarioContext,
  link: PeerLink,
  told: Told,
  { atOnce, pauseMs, struck }: { readonly atOnce: number; readonly pauseMs: number; readonly struck: () => void },
): Promise<void> {
  link.send({ kind: 'overlay', control: { kind: 'join' } });
  while (told.topics < TOPICS && !link.isClosed) {
    const join = { kind: 'join', asks: 3, known: false, away: 0 } as const;
    const items = Array.from({ length: ITEMS }, () => ({ ...join, topic: `topic ${told.topics++} of ${atOnce}` }));
    link.send({ kind: 'overlay', control: { kind: 'topics', items } });
    const over = told.topics - atOnce;
    const left = Array.from({ length: over > 0 ? ITEMS : 0 }, (_, n) => ({
      kind: 'leave' as const,
      topic: `topic ${over - ITEMS + n} of ${atOnce}`,
    }));
    if (left.length > 0) link.send({ kind: 'overlay', control: { kind: 'topics', items: left } });
    struck();
    await clock.sleep(pauseMs, signal);
  }
}
