import { publishEnvelope, scenario } from '@muster/lab';
import { claims } from '@muster/proof';
import { utf8Bytes } from '@muster/protocol';
import { heardOnce } from '../links/listener.ts';
import { deliveries } from '../nodes.ts';
import { required } from './requirements.ts';
import { Stage } from './stage.ts';

const UNWANTED = 'nobody asked';

export const unsubscribedTopic = scenario({
  id: 'defence/unsubscribed',
  title: 'messages on a topic without subscribers are not delivered',
  requirements: [required.unsubscribed.id, required.unharmed.id],
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['direct.inbox', 'status.metrics'] },
  phases: {
    async drive(context) {
      await using stage = await Stage.set(context, { unwanted: 'gossip_no_subscriber_total' });
      const elsewhere = context.topic('elsewhere');
      stage.publish(await publishEnvelope(stage.peer, elsewhere, utf8Bytes(UNWANTED), stage.now()));
      const wanted = 'somebody asked';
      stage.publish(await stage.said(wanted));
      await stage.settle();
      context.claim('undelivered', required.unsubscribed.id, 'MUST', claims.never(deliveries(elsewhere, { nodes: [stage.node] })), {
        title: 'what nobody subscribed to is not delivered',
        premise: heardOnce(stage.node, stage.topic, wanted),
      });
      stage.claimCounted('unwanted', required.unsubscribed, 1, 'it is counted as without a subscriber');
      await stage.claimUnharmed();
    },
  },
});
