import { CapabilityError } from '@muster/contract';
import type { EventOf, Registry } from '@muster/contract';
import { fromBase64, toBase64 } from '@muster/protocol';
import type { Counters } from '../counters.ts';
import type { HandlersOf } from '../families.ts';
import { EventQueue } from '../../ports/event-queue.ts';
import type { PubSub, Subscription } from './pubsub.ts';

type TopicEvent = EventOf<Registry['messaging.events']>;
type Missed = Extract<TopicEvent, { event: 'missed' }>['data']['data'];

/** messages that may wait for one reader of `/events` before the oldest go */
const EVENT_QUEUE = 10_000;
/** and how much they may weigh, in characters of payload */
const EVENT_QUEUE_WEIGHT = 64 * 1024 * 1024;

export function messagingHandlers(pubsub: PubSub, counters: Counters): HandlersOf<'messaging'> {
  const subscriptions = new Map<string, Subscription>();
  const readers = new Set<EventQueue<TopicEvent>>();
  return {
    'messaging.publish': async (input) => {
      await pubsub.publish(input.topic, fromBase64(input.payload));
      return {};
    },
    'messaging.subscribe': (input) => {
      const { topic } = input;
      const subscription = pubsub.subscribe(
        topic,
        ({ payload, sender, trust }, id) => {
          if (readers.size === 0) return;
          const data = { subscription_id: id, topic, payload: toBase64(payload), sender, verified: true, trust_level: trust };
          for (const reader of readers) reader.push({ event: 'message', data: { type: 'message', data } });
        },
        {
          missed: (count, id) => {
            for (const reader of readers) reader.push(missed({ subscription_id: id, topic, count, cause: 'away' }));
          },
        },
      );
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
      const lost = new Map<string, Missed>();
      const dropped = ({ data: { data } }: TopicEvent): void => {
        counters.add('events_slow_reader_dropped_total');
        const { subscription_id, topic } = data;
        const count = (lost.get(subscription_id)?.count ?? 0) + ('count' in data ? data.count : 1);
        lost.set(subscription_id, { subscription_id, topic, count, cause: 'slow_reader' });
      };
      const queue = new EventQueue<TopicEvent>(EVENT_QUEUE, dropped, {
        of: ({ data: { data } }) => ('payload' in data ? data.payload.length : 0),
        most: EVENT_QUEUE_WEIGHT,
      });
      readers.add(queue);
      return {
        events: told(queue, lost),
        close: () => {
          readers.delete(queue);
          queue.close();
        },
      };
    },
  };
}

function missed(data: Missed): TopicEvent {
  return { event: 'missed', data: { type: 'missed', data } };
}

/** What gave way is older than what comes next: it is told of first. */
async function* told(queue: EventQueue<TopicEvent>, lost: Map<string, Missed>): AsyncGenerator<TopicEvent> {
  for await (const event of queue) {
    for (const notice of lost.values()) yield missed(notice);
    lost.clear();
    yield event;
  }
}
