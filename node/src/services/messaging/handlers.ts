import { CapabilityError } from '@muster/contract';
import type { EventOf, Registry } from '@muster/contract';
import { fromBase64, toBase64 } from '@muster/protocol';
import type { Counters } from '../counters.ts';
import type { HandlersOf } from '../families.ts';
import { EventQueue } from '../../surfaces/event-queue.ts';
import type { PubSub, Subscription } from './pubsub.ts';

type MessageEvent = EventOf<Registry['messaging.events']>;

/** messages that may wait for one reader of `/events` before the oldest go */
const EVENT_QUEUE = 10_000;
/** and how much they may weigh, in characters of payload */
const EVENT_QUEUE_WEIGHT = 64 * 1024 * 1024;

export function messagingHandlers(pubsub: PubSub, counters: Counters): HandlersOf<'messaging'> {
  const subscriptions = new Map<string, Subscription>();
  const readers = new Set<EventQueue<MessageEvent>>();
  return {
    'messaging.publish': async (input) => {
      await pubsub.publish(input.topic, fromBase64(input.payload));
      return {};
    },
    'messaging.subscribe': (input) => {
      const subscription = pubsub.subscribe(input.topic, ({ topic, payload, sender, trust }, id) => {
        if (readers.size === 0) return;
        const data = { subscription_id: id, topic, payload: toBase64(payload), sender, verified: true, trust_level: trust };
        for (const reader of readers) reader.push({ event: 'message', data: { type: 'message', data } });
      });
      subscriptions.set(subscription.id, subscription);
      return { subscription_id: subscription.id };
    },
    'messaging.unsubscribe': (input) => {
      const subscription = subscriptions.get(input.id);
      if (!subscription) throw new CapabilityError(404, 'subscription not found');
      subscriptions.delete(input.id);
      subscription[Symbol.dispose]();
      return {};
    },
    'messaging.events': () => {
      const queue = new EventQueue<MessageEvent>(EVENT_QUEUE, () => counters.add('events_slow_reader_dropped_total'), {
        of: ({ data }) => data.data.payload.length,
        most: EVENT_QUEUE_WEIGHT,
      });
      readers.add(queue);
      return {
        events: queue,
        close: () => {
          readers.delete(queue);
          queue.close();
        },
      };
    },
  };
}
