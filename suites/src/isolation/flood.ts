import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { untilMeshed } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, payloadOf, setting, subscribe, threeOf } from '../nodes.ts';
import { bystandersOf, unharmed } from './bystanders.ts';

/** as many as are asked for with --messages, else this */
const MESSAGES = 1_500;
/** publishes under way at once */
const DEPTH = 64;
const PAYLOAD = 'flood '.repeat(40);

export const flood = exercise(bystandersOf('flood', 'a flood of messages on another topic'), {
  id: 'isolation/flood',
  title: 'a node that publishes as fast as it can to a topic that others listen to costs them nothing else',
  needs: { nodes: 3, powers: ['world'], capabilities: ['messaging.publish', 'direct.send'], exclusive: 'it fills the links' },
  limit: 600_000,
  phases: {
    async drive(context) {
      const { claim, record, signal } = context;
      const [, , carol] = threeOf(context);
      await untilMeshed(context, context.nodes, ARRIVAL_LIMIT_MS);
      const messages = setting(context, 'messages', MESSAGES, 1);
      const topic = context.topic('flood');
      const offered = { accepted: 0, refused: 0 };
      const stretch = await unharmed(context, 'flood', async (bystanders) => {
        await using stack = new AsyncDisposableStack();
        for (const node of bystanders) stack.use(await subscribe(context, node, topic));
        let next = 0;
        const worker = async (): Promise<void> => {
          while (next < messages && !signal.aborted) {
            const payload = payloadOf(`${PAYLOAD}${next++}`);
            const accepted = await carol.client.messaging.publish({ topic, payload }, { signal }).then(() => true, () => false); // prettier-ignore
            offered[accepted ? 'accepted' : 'refused']++;
          }
        };
        await Promise.all(Array.from({ length: DEPTH }, worker));
      });
      const { seq } = record.observe(carol.name, 'flood', 'done', { ...offered, beside: stretch.offered.offered });
      // It was a flood, and somebody said something beside it.
      claim('flooded', 'isolation.flood.whole', 'MUST', claims.atLeast({ seq, at: '/data/accepted' }, messages / 2, 'messages'));
      claim('beside', 'isolation.flood.whole', 'MUST', claims.atLeast({ seq, at: '/data/beside' }, 1, 'operations'), { blame: 'harness' });
    },
  },
});
