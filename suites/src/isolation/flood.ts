import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { untilMeshed } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, payloadOf, setting, subscribe, threeOf } from '../nodes.ts';
import { bystandersOf, LIMIT_MS, unharmed } from './bystanders.ts';

/** messages, if no other --rate is asked for and the node takes as many */
const PER_SECOND = 1_000;
/** publishes under way at once */
const DEPTH = 64;
/** ms after which a publisher looks whether more is due */
const PAUSE_MS = 10;
const PAYLOAD = 'flood '.repeat(40);

export const flood = exercise(bystandersOf('flood', 'a flood of messages on another topic'), {
  id: 'isolation/flood',
  title: 'a node that floods a topic that others listen to costs them nothing else',
  needs: { nodes: 3, powers: ['world'], capabilities: ['messaging.publish', 'direct.send'], exclusive: 'it fills the links' },
  limit: LIMIT_MS,
  phases: {
    async drive(context) {
      const { claim, clock, record, signal } = context;
      const [, , carol] = threeOf(context);
      await untilMeshed(context, context.nodes, ARRIVAL_LIMIT_MS);
      const perSecond = setting(context, 'rate', PER_SECOND, 1);
      const topic = context.topic('flood');
      const offered = { accepted: 0, refused: 0 };
      const stretch = await unharmed(context, 'flood', async (bystanders, { over, struck }) => {
        await using stack = new AsyncDisposableStack();
        for (const node of bystanders) stack.use(await subscribe(context, node, topic));
        let next = 0;
        const begun = clock.monotonic();
        const due = (): boolean => next < ((clock.monotonic() - begun) / 1_000) * perSecond;
        const worker = async (): Promise<void> => {
          while (!over.aborted) {
            if (!due()) {
              await clock.sleep(PAUSE_MS, signal);
              continue;
            }
            const payload = payloadOf(`${PAYLOAD}${next++}`);
            const accepted = await carol.client.messaging.publish({ topic, payload }, { signal }).then(() => true, () => false); // prettier-ignore
            offered[accepted ? 'accepted' : 'refused']++;
            if (accepted) struck();
          }
        };
        await Promise.all(Array.from({ length: DEPTH }, worker));
      });
      const { seq } = record.observe(carol.name, 'flood', 'done', { ...offered, beside: stretch.offered.offered });
      // It was a flood, and somebody said something beside it.
      const half = Math.floor((perSecond / 2) * stretch.offered.seconds);
      claim('flooded', 'isolation.flood.whole', 'MUST', claims.atLeast({ seq, at: '/data/accepted' }, half, 'messages'), { blame: 'harness' });
      claim('beside', 'isolation.flood.whole', 'MUST', claims.atLeast({ seq, at: '/data/beside' }, 1, 'operations'), { blame: 'harness' });
    },
  },
});
