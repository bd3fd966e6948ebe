import { scenario } from '@muster/lab';
import { at, claims, literal } from '@muster/proof';
import { payloadOf } from '../nodes.ts';
import { heardOnce, listen, publish } from './listener.ts';
import { HEALED_MS, required } from './requirements.ts';

export const alone = scenario({
  id: 'links/alone',
  title: 'a node without peers works for itself',
  requirements: [required.alone.id],
  needs: { nodes: 1, exclusive: 'it must have no peers', capabilities: ['direct.inbox'] },
  phases: {
    async drive(context) {
      const node = context.nodes[0]!;
      const topic = context.topic('monologue');
      const listener = await listen(context, node, topic);
      await publish(context, node, topic, 'is anybody there?');
      await listener.heard('is anybody there?', HEALED_MS);
      const sent = await node.rest('direct.send', { agent_id: node.agentId, payload: payloadOf('note to self') });
      const [peers, health, inbox] = await Promise.all([node.rest('network.peers'), node.rest('status.health'), node.rest('direct.inbox')]);
      const check = (
        name: string,
        title: string,
        what: Parameters<typeof context.claim>[3],
        premise = claims.equals(at(peers, '/output/peers'), literal([])),
      ) => context.claim(name, required.alone.id, 'MUST', what, { title, premise });
      check('healthy', 'it is healthy', claims.equals(at(health, '/output/status'), 'healthy'));
      check('hears', 'its own message reaches its own subscriber once', heardOnce(node, topic, 'is anybody there?'));
      check('loopback', 'a message to itself is taken', claims.equals(at(sent, '/output/path'), 'loopback'));
      check('inbox', 'and stands in its inbox', claims.includes(at(inbox, '/output/messages'), payloadOf('note to self'), '/payload'));
    },
  },
});
