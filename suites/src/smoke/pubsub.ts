import { at, claims, observed } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { deliveries, openStream, payloadOf, published, subscribe, twoOf } from '../nodes.ts';

export const pubsub = exercise(
  {
    'pubsub.both-ways': 'What either node publishes reaches every subscriber exactly once, the publisher included, under the name of its sender.',
    'pubsub.first': 'The first message after a subscription was answered arrives.',
    'pubsub.verified': 'A delivered message is marked as verified and names its subscription.',
    'pubsub.unsubscribe': 'After unsubscribing nothing more is delivered, and the subscription is unknown (404).',
  },
  {
    id: 'smoke/pubsub',
    title: 'publish and subscribe, both ways',
    needs: { nodes: 2, capabilities: ['messaging.publish', 'messaging.subscribe', 'messaging.unsubscribe', 'messaging.events'] },
    phases: {
      async drive(context) {
        const { claim, need } = context;
        const [alice, bob] = twoOf(context);
        const topic = context.topic('both');
        const payloads = [payloadOf(`${topic} from alice`), payloadOf(`${topic} from bob`)] as const;
        const atAlice = await openStream(context, alice, 'messaging.events');
        const atBob = await openStream(context, bob, 'messaging.events');
        await using _alice = await subscribe(context, alice, topic);
        const subscribed = await bob.rest('messaging.subscribe', { topic });
        const { subscription_id: id } = await need(subscribed, 'bob subscribes');
        await alice.rest('messaging.publish', { topic, payload: payloads[0] });
        await bob.rest('messaging.publish', { topic, payload: payloads[1] });
        await Promise.all([atAlice, atBob].flatMap((events) => payloads.map((payload) => published(context, events, topic, payload))));

        const first = deliveries(topic, { nodes: [bob], payload: payloads[0] });
        const exactlyOnce = claims.deliveredExactlyOnce({
          sends: { op: 'messaging.publish', where: [{ at: '/input/topic', equals: topic }] },
          key: '/input/payload',
          receivers: { nodes: [alice.name, bob.name] },
          receipts: deliveries(topic),
          receiptKey: '/data/payload',
          receiptSender: '/data/sender',
        });
        claim('exactly-once', 'pubsub.both-ways', 'MUST', exactlyOnce);
        claim('to-itself', 'pubsub.both-ways', 'MUST', claims.occurs(deliveries(topic, { nodes: [alice], payload: payloads[0] })));
        claim('first', 'pubsub.first', 'MUST', claims.occurs(first));
        claim('verified', 'pubsub.verified', 'MUST', claims.equals(observed(first, '/data/verified'), true));
        const named = claims.equals(observed(first, '/data/subscription_id'), at(subscribed, '/output/subscription_id'));
        claim('names-subscription', 'pubsub.verified', 'MUST', named);

        const marker = context.topic('marker');
        const late = payloadOf(`${topic} too late`);
        const ended = await bob.rest('messaging.unsubscribe', { id });
        await using _marker = await subscribe(context, bob, marker);
        await alice.rest('messaging.publish', { topic, payload: late });
        await alice.rest('messaging.publish', { topic: marker, payload: late });
        await published(context, atBob, marker, late);
        const unknown = await bob.rest('messaging.unsubscribe', { id });
        claim('ends', 'pubsub.unsubscribe', 'MUST', claims.status(ended, 200));
        claim('stops', 'pubsub.unsubscribe', 'MUST', claims.never(deliveries(topic, { nodes: [bob], payload: late })), {
          premise: claims.occurs(deliveries(marker, { nodes: [bob] })),
        });
        claim('unknown-then', 'pubsub.unsubscribe', 'MUST', claims.status(unknown, 404));
      },
    },
  },
);
