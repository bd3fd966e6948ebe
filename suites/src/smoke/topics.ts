import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { deliveries, openStream, payloadOf, published, subscribe, twoOf } from '../nodes.ts';

export const topics = exercise(
  {
    'topics.only-subscribed': 'A node never delivers a topic that nobody on it subscribed to.',
    'topics.subscribed': 'A node delivers the topics that were subscribed to.',
  },
  {
    id: 'smoke/topics',
    title: 'only what was subscribed to is delivered',
    needs: { nodes: 2, capabilities: ['messaging.publish', 'messaging.subscribe', 'messaging.events'] },
    phases: {
      async drive(context) {
        const { claim, need } = context;
        const [alice, bob] = twoOf(context);
        const [unheard, heard] = [context.topic('unheard'), context.topic('heard')];
        const payload = payloadOf(heard);
        const atAlice = await openStream(context, alice, 'messaging.events');
        const atBob = await openStream(context, bob, 'messaging.events');
        await using _alice = await subscribe(context, alice, heard);
        await using _bob = await subscribe(context, bob, heard);
        // The second goes the same way as the first: once it is there, the first would have been.
        await need(alice.rest('messaging.publish', { topic: unheard, payload }), 'alice publishes what nobody asked for');
        await need(alice.rest('messaging.publish', { topic: heard, payload }), 'alice publishes what was asked for');
        await Promise.all([published(context, atAlice, heard, payload), published(context, atBob, heard, payload)]);
        for (const node of [alice, bob]) {
          const premise = claims.occurs(deliveries(heard, { nodes: [node] }));
          claim(`unheard-at-${node.name}`, 'topics.only-subscribed', 'MUST', claims.never(deliveries(unheard, { nodes: [node] })), { premise });
          claim(`heard-at-${node.name}`, 'topics.subscribed', 'MUST', premise);
        }
      },
    },
  },
);
