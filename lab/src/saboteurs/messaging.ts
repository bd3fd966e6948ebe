/** Bugs in what a node delivers of what others publish, and in what it counts. */
import { MAX_PUBLISH_PAYLOAD_BYTES } from '@muster/protocol';
import { overlaid } from './overlaid.ts';
import type { Saboteur } from './saboteur.ts';
import { inflated, type MessageEvent, metrics, overheard, topicEvents } from './wrappings.ts';

const EVERY = 7;
/** beyond any clock that is a little ahead */
const AHEAD_MS = 10_000;

const keepsDelivering: Saboteur = {
  name: 'keeps-delivering',
  plants: 'delivers what was unsubscribed',
  node: 'bob',
  caughtBy: 'smoke/pubsub/stops',
  handlers: (handlers) => {
    const ended = new Set<string>();
    return {
      'messaging.unsubscribe': (input, context) => {
        if (ended.has(input.id)) return handlers['messaging.unsubscribe'](input, context);
        ended.add(input.id);
        return {};
      },
    };
  },
};

const socketKeepsDelivering: Saboteur = {
  name: 'socket-keeps-delivering',
  plants: 'delivers on a socket what was unsubscribed there',
  node: 'bob',
  caughtBy: 'smoke/websocket/hears-no-more',
  handlers: (handlers) => ({
    'websocket.direct': (session, input, context) => {
      const onFrame: typeof session.onFrame = (listener) =>
        session.onFrame((frame) => (frame.type === 'unsubscribe' ? session.send({ type: 'unsubscribed', topics: frame.topics }) : listener(frame)));
      return handlers['websocket.direct'](overlaid(session, { onFrame }), input, context);
    },
  }),
};

const reorders: Saboteur = {
  name: 'reorders',
  plants: 'lets one in seven messages be overtaken by the next',
  node: 'bob',
  caughtBy: 'links/order/published',
  handlers: (handlers) =>
    topicEvents(handlers, async function* (events) {
      let n = 0;
      let held: MessageEvent | undefined;
      for await (const event of events) {
        if (event.event === 'message' && ++n % EVERY === 0) held = event;
        else {
          yield event;
          if (held) yield held;
          held = undefined;
        }
      }
    }),
};

const deliversUntimely: Saboteur = {
  name: 'delivers-untimely',
  plants: 'delivers what has expired, or was not issued yet',
  node: 'alice',
  caughtBy: 'defence/untimely/old-news',
  handlers: (handlers, services, clock) =>
    overheard(handlers, services, ({ issued, expires }) => expires < clock.now() || issued > clock.now() + AHEAD_MS),
};

const deliversForeign: Saboteur = {
  name: 'delivers-foreign',
  plants: 'delivers messages of other networks',
  node: 'alice',
  caughtBy: 'defence/network/foreign',
  handlers: (handlers, services) => overheard(handlers, services, ({ foreign }) => foreign),
};

const deliversReplays: Saboteur = {
  name: 'delivers-replays',
  plants: 'delivers a message again when it comes again',
  node: 'alice',
  caughtBy: 'defence/replayed/heard-once',
  handlers: (handlers, services) => {
    const seen = new Set<string>();
    return overheard(handlers, services, ({ bytes }) => seen.size === seen.add(Buffer.from(bytes).toString('latin1')).size);
  },
};

const waitsForHellos: Saboteur = {
  name: 'waits-for-hellos',
  plants: 'keeps connections on which nobody says hello',
  node: 'alice',
  caughtBy: 'defence/silence/closed',
  ports: ({ transport, ...ports }) => ({
    ...ports,
    transport: overlaid(transport, {
      listen: (address, onChannel) =>
        transport.listen(address, (channel) => {
          let spoken = false;
          const start: typeof channel.start = (events) =>
            channel.start({
              data(chunk) {
                spoken = true;
                events.data(chunk);
              },
              drain: () => events.drain(),
              closed: (reason) => events.closed(reason),
            });
          onChannel(overlaid(channel, { start, close: (mode) => (spoken ? channel.close(mode) : undefined) }));
        }),
    }),
  }),
};

const miscountsStages: Saboteur = {
  name: 'miscounts-stages',
  plants: 'counts more messages accepted than came in',
  node: 'alice',
  caughtBy: 'stress/counters/alice/stages',
  handlers: (handlers) => metrics(handlers, (text) => inflated(text, 'gossip_incoming_accepted_total')),
};

const hidesRejections: Saboteur = {
  name: 'hides-rejections',
  plants: 'tells nobody how many forgeries it refused',
  node: 'alice',
  caughtBy: 'defence/forged/published',
  handlers: (handlers) => metrics(handlers, (text) => text.replaceAll(/^muster_gossip_rejected_total.*\n/gmu, '')),
};

const hidesMissed: Saboteur = {
  name: 'hides-what-was-missed',
  plants: 'does not say what a slow reader lost',
  node: 'alice',
  caughtBy: 'slow-consumer/reader/told',
  handlers: (handlers) =>
    topicEvents(handlers, async function* (events) {
      for await (const event of events) if (event.event !== 'missed') yield event;
    }),
};

const stallsForSlow: Saboteur = {
  name: 'stalls-for-slow-readers',
  plants: 'gives nobody the next message before everybody has read the last',
  node: 'alice',
  caughtBy: 'slow-consumer/reader/others',
  handlers: (handlers) => {
    const reading = new Map<object, number>();
    let wake = Promise.withResolvers<void>();
    const moved = (): void => {
      wake.resolve();
      wake = Promise.withResolvers<void>();
    };
    return topicEvents(handlers, async function* (events) {
      const self = {};
      let read = Math.max(0, ...reading.values());
      reading.set(self, read);
      try {
        for await (const event of events) {
          while (Math.min(...reading.values()) < read) await wake.promise;
          yield event;
          reading.set(self, ++read);
          moved();
        }
      } finally {
        reading.delete(self);
        moved();
      }
    });
  },
};

const takesOversize: Saboteur = {
  name: 'takes-oversize',
  plants: 'takes payloads that are too large, and publishes the beginning of them',
  node: 'alice',
  caughtBy: 'input/size/messaging.publish/too-large',
  handlers: (handlers) => ({
    'messaging.publish': ({ topic, payload }, context) => {
      const beginning = Buffer.from(payload, 'base64').subarray(0, MAX_PUBLISH_PAYLOAD_BYTES);
      return handlers['messaging.publish']({ topic, payload: beginning.toString('base64') }, context);
    },
  }),
};

export const messagingSaboteurs: readonly Saboteur[] = [
  keepsDelivering,
  socketKeepsDelivering,
  reorders,
  deliversUntimely,
  deliversForeign,
  deliversReplays,
  waitsForHellos,
  miscountsStages,
  hidesRejections,
  hidesMissed,
  stallsForSlow,
  takesOversize,
];
