import { placeOf, ScriptedPeer } from '@muster/lab';
import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { bystandersOf, unharmed } from './bystanders.ts';

const TOPICS = 10_000;
/** of one message between neighbours */
const ITEMS = 100;
/** at a time: whoever wants more kept for it than there is room for is cut off */
const AT_ONCE = 1_500;
/** ms between two of them, so that all are read */
const PAUSE_MS = 10;

const REQUIRED = {
  ...bystandersOf('topics', 'the announcement of 10,000 topics by one peer'),
  'isolation.topics.kept': 'Whoever takes part in 10,000 topics, no more than 1,500 of them at a time, keeps its link.',
};

export const topics = exercise(REQUIRED, {
  id: 'isolation/topics',
  title: 'a peer that takes part in 10,000 topics costs others nothing',
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['messaging.publish', 'direct.send'], exclusive: 'it fills the tables of topics' },
  phases: {
    async drive(context) {
      const { claim, clock, record, signal } = context;
      const told = { topics: 0, cut: false };
      await unharmed(context, 'topics', async ([alice]) => {
        const place = await placeOf(alice);
        await using peer = new ScriptedPeer(place);
        const link = await peer.dial(place.address);
        link.send({ kind: 'overlay', control: { kind: 'join' } });
        while (told.topics < TOPICS && !link.isClosed) {
          const join = { kind: 'join', asks: 3, known: false, away: 0 } as const;
          const items = Array.from({ length: ITEMS }, () => ({ ...join, topic: `topic ${told.topics++}` }));
          link.send({ kind: 'overlay', control: { kind: 'topics', items } });
          const over = told.topics - AT_ONCE;
          const left = Array.from({ length: over > 0 ? ITEMS : 0 }, (_, n) => ({ kind: 'leave' as const, topic: `topic ${over - ITEMS + n}` }));
          if (left.length > 0) link.send({ kind: 'overlay', control: { kind: 'topics', items: left } });
          await clock.sleep(PAUSE_MS, signal);
        }
        told.cut = link.isClosed;
      });
      const { seq } = record.observe('peer', 'topics', 'announced', told);
      claim('announced', 'isolation.topics.whole', 'MUST', claims.atLeast({ seq, at: '/data/topics' }, TOPICS, 'topics'), { blame: 'harness' });
      claim('kept', 'isolation.topics.kept', 'MUST', claims.equals({ seq, at: '/data/cut' }, false));
    },
  },
});
