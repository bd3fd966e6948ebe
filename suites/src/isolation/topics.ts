import { placeOf, ScriptedPeer } from '@muster/lab';
import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { bystandersOf, unharmed } from './bystanders.ts';

const TOPICS = 10_000;
/** of one message between neighbours */
const ITEMS = 100;
/** ms between two of them, so that all are read */
const PAUSE_MS = 10;

export const topics = exercise(bystandersOf('topics', 'the announcement of 10,000 topics by one peer'), {
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
          await clock.sleep(PAUSE_MS, signal);
        }
        told.cut = link.isClosed;
      });
      // A peer that wants more than its share may be cut off: then it got as far as that.
      const { seq } = record.observe('peer', 'topics', 'announced', { ...told, enough: told.cut || told.topics >= TOPICS });
      claim('announced', 'isolation.topics.whole', 'MUST', claims.equals({ seq, at: '/data/enough' }, true), { blame: 'harness' });
    },
  },
});
