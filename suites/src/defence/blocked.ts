import { scenario } from '@muster/lab';
import { claims } from '@muster/proof';
import { ARRIVAL_LIMIT_MS } from '../nodes.ts';
import { required } from './requirements.ts';
import { Stage } from './stage.ts';

const PUBLISHED = 'let me in';
const WRITTEN = 'please let me in';

export const blockedPeer = scenario({
  id: 'defence/blocked',
  title: 'a blocked agent with a link of its own is not heard',
  requirements: [required.blocked.id, required.unharmed.id],
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['direct.inbox', 'status.metrics'] },
  phases: {
    async drive(context) {
      const { claim, eventually, need } = context;
      await using stage = await Stage.set(context, {
        published: 'gossip_rejected_total{reason="sender_blocked"}',
        direct: 'dm_incoming_trust_rejected_total',
      });
      const { node, peer } = stage;
      await need(node.rest('contacts.setTrust', { agent_id: peer.agentId, level: 'blocked' }), 'the peer can be blocked');
      stage.publish(await stage.said(PUBLISHED));
      const answer = await stage.send(await stage.written(WRITTEN));
      await eventually('the node has judged the message', async () => (await stage.counts())['published']! > 0, ARRIVAL_LIMIT_MS);
      await need(node.rest('contacts.setTrust', { agent_id: peer.agentId, level: 'known' }), 'the peer can be unblocked');
      await stage.settle();

      stage.claimUnheard('unheard', required.blocked, PUBLISHED, 'what it publishes is not delivered');
      claim('refused', required.blocked.id, 'MUST', claims.equals({ seq: answer.seq, at: '/data/reason' }, 'blocked'), {
        title: 'its letter is refused with that reason',
      });
      await stage.claimNotInInbox('letters', required.blocked, [WRITTEN], 'its letter is not in the inbox');
      stage.claimCounted('published', required.blocked, 1, 'the message is counted as of a blocked sender');
      stage.claimCounted('direct', required.blocked, 1, 'the letter is counted as refused by trust');
      await stage.claimUnharmed();
      await node.rest('contacts.remove', { agent_id: peer.agentId });
    },
  },
});
