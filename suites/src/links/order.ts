import { scenario } from '@muster/lab';
import { claims } from '@muster/proof';
import { arrival, ARRIVAL_LIMIT_MS, deliveries, openStream, payloadOf, subscribe, twoOf } from '../nodes.ts';
import { untilLinked } from './peers.ts';
import { required } from './requirements.ts';

const MESSAGES = 40;

export const order = scenario({
  id: 'links/order',
  title: 'what one node says one after the other arrives in that order',
  requirements: [required.order.id],
  needs: { nodes: 2, capabilities: ['messaging.publish', 'messaging.events', 'direct.send', 'direct.events'] },
  phases: {
    async drive(context) {
      const { claim, need } = context;
      const [alice, bob] = twoOf(context);
      await untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS);
      const topic = context.topic('order');
      const news = await openStream(context, bob, 'messaging.events');
      const letters = await openStream(context, bob, 'direct.events');
      await using _subscription = await subscribe(context, bob, topic);
      const payloads = Array.from({ length: MESSAGES }, (_, n) => payloadOf(`${topic} ${n}`));
      for (const payload of payloads) {
        await need(alice.rest('messaging.publish', { topic, payload }), 'alice publishes');
        await need(alice.rest('direct.send', { agent_id: bob.agentId, payload }), 'alice writes');
      }
      const last = payloads.at(-1)!;
      await Promise.all([
        arrival(context, news, 'the last message', ({ event, data }) => event === 'message' && data.data.payload === last),
        arrival(context, letters, 'the last letter', ({ data }) => data.payload === last),
      ]);

      const receivers = { nodes: [bob.name] };
      const published = claims.deliveredInOrder({
        sends: { op: 'messaging.publish', where: [{ at: '/input/topic', equals: topic }] },
        key: '/input/payload',
        receivers,
        receipts: deliveries(topic, { nodes: [bob] }),
        receiptKey: '/data/payload',
        receiptSender: '/data/sender',
      });
      const written = claims.deliveredInOrder({
        sends: { processes: [alice.name], op: 'direct.send' },
        key: '/input/payload',
        receivers,
        receipts: { nodes: [bob.name], stream: 'direct.events', where: [{ at: '/sender', equals: alice.agentId }] },
        receiptKey: '/payload',
        receiptSender: '/sender',
      });
      claim('published', required.order.id, 'MUST', published, { premise: claims.occurs(deliveries(topic, { nodes: [bob], payload: last })) });
      claim('written', required.order.id, 'MUST', written);
    },
  },
});
