/**
 * Nodes with one planted bug each, to see that the suites catch it. Exactly one port or one handler is wrapped;
 * the product has no hook for this: `createNode` is composed from ports, and handlers are a plain object.
 */
import type { Handlers, Node, NodePorts, Store } from '@muster/node';
import type { EventOf, Registry } from '@muster/contract';
import { decodeStrict } from '@muster/protocol';
import type { Saboteur } from './saboteur.ts';
import { surfaceSaboteurs } from './surfaces.ts';
import { acknowledgesLater } from './acknowledges-later.ts';
import { routesSaboteurs } from './routes.ts';
import { discoverySaboteurs } from './discovery.ts';
import { presenceSaboteurs } from './presence.ts';
import { overlaySaboteurs } from './overlay.ts';
import { resourceSaboteurs } from './resources.ts';

export type { Saboteur } from './saboteur.ts';

type TopicEvent = EventOf<Registry['messaging.events']>;
type MessageEvent = Extract<TopicEvent, { event: 'message' }>;
const ONE_PERCENT = 100;

/** Passes the messages of `/events` through `change`: what it returns is delivered instead. `n` counts the messages of one stream. */
function events(handlers: Handlers<Registry>, change: (event: MessageEvent, n: number) => MessageEvent[]): Partial<Handlers<Registry>> {
  return {
    'messaging.events': async (input, context) => {
      const stream = await handlers['messaging.events'](input, context);
      async function* changed(): AsyncGenerator<TopicEvent> {
        let n = 0;
        for await (const event of stream.events) yield* event.event === 'message' ? change(event, ++n) : [event];
      }
      return { events: changed(), close: () => stream.close() };
    },
  };
}

/** The store with other answers to reads. */
function readings(store: Store, get: (key: string, value: Uint8Array | undefined) => Uint8Array | undefined): Store {
  return {
    get: (key) => get(key, store.get(key)),
    range: (range) => store.range(range),
    count: (prefix) => store.count(prefix),
    batch: (writes, durability) => store.batch(writes, durability),
    close: () => store.close(),
  };
}

const dropsMessages: Saboteur = {
  name: 'drops-messages',
  plants: 'drops 1 % of the messages on the event stream',
  node: 'alice',
  caughtBy: 'stress/delivery/exactly-once',
  handlers: (handlers) => events(handlers, (event, n) => (n % ONE_PERCENT === 0 ? [] : [event])),
};

const deliversTwice: Saboteur = {
  name: 'delivers-twice',
  plants: 'delivers 1 % of the messages twice',
  node: 'alice',
  caughtBy: 'stress/delivery/exactly-once',
  handlers: (handlers) => events(handlers, (event, n) => (n % ONE_PERCENT === 0 ? [event, event] : [event])),
};

const forgesSender: Saboteur = {
  name: 'forges-sender',
  plants: 'names another sender for 1 % of the messages',
  node: 'alice',
  caughtBy: 'stress/delivery/exactly-once',
  handlers: (handlers) =>
    events(handlers, (event, n) => [
      n % ONE_PERCENT === 0 ? { ...event, data: { ...event.data, data: { ...event.data.data, sender: 'ee'.repeat(32) } } } : event,
    ]),
};

const acknowledgesBeforeCommit: Saboteur = {
  name: 'acknowledges-before-commit',
  plants: 'acknowledges a direct message and commits it only later',
  node: 'alice',
  caughtBy: 'durability/inbox/exactly-once',
  ports: acknowledgesLater,
};

const forgetsContact: Saboteur = {
  name: 'forgets-contact',
  plants: 'loses a contact when it starts again',
  node: 'alice',
  caughtBy: 'durability/contacts/contacts',
  ports: (ports) => {
    const [first] = ports.store.range({ prefix: 'contact/', limit: 1 });
    if (first) ports.store.batch([{ key: first.key, value: null }], 'durable');
    return ports;
  },
};

const liesInCounter: Saboteur = {
  name: 'lies-in-counter',
  plants: 'reports more deliveries than there were',
  node: 'alice',
  caughtBy: 'stress/counters/alice/delivered',
  handlers: (handlers) => ({
    'status.metrics': async (input, context) => {
      const text = await handlers['status.metrics'](input, context);
      return String(text).replace(
        /^(muster_gossip_delivered_to_subscriber_total) (\d+)$/m,
        (_, name: string, value: string) => `${name} ${Math.ceil(Number(value) * 1.01)}`,
      );
    },
  }),
};

const deliversBlocked: Saboteur = {
  name: 'delivers-blocked',
  plants: 'delivers the messages of a blocked sender',
  node: 'bob',
  caughtBy: 'smoke/blocked/direct-not-delivered',
  ports: (ports) => ({
    ...ports,
    store: readings(ports.store, (key, value) => {
      if (!value || !key.startsWith('contact/')) return value;
      return Buffer.from(Buffer.from(value).toString().replace('"trust":"blocked"', '"trust":"known"'));
    }),
  }),
};

const skipsSignatureCheck: Saboteur = {
  name: 'skips-signature-check',
  plants: 'takes every signature for a good one',
  node: 'alice',
  caughtBy: 'defence/forged/tampered',
  ports: (ports) => ({ ...ports, crypto: { ...ports.crypto, verify: async () => true } }),
};

const deliversUnsubscribed: Saboteur = {
  name: 'delivers-unsubscribed',
  plants: 'delivers topics that nobody on that daemon subscribed to',
  node: 'alice',
  caughtBy: 'defence/unsubscribed/undelivered',
  handlers: (handlers, { links, pubsub }) => ({
    'messaging.events': async (input, context) => {
      const stream = await handlers['messaging.events'](input, context);
      const waiting: MessageEvent[] = [];
      let wake = (): void => {};
      links.on({
        up: () => {},
        down: () => {},
        message: (link, message) => {
          if (message.kind !== 'publish') return;
          const [header, payload] = decodeStrict(message.envelope, message.envelope.length) as [unknown[], Uint8Array];
          const [, kind, , , topic] = header as [number, string, Uint8Array, Uint8Array, string];
          if (kind !== 'publish' || pubsub.interested(topic)) return;
          const data = {
            subscription_id: '0'.repeat(16),
            topic,
            payload: Buffer.from(payload).toString('base64'),
            sender: link.agent as string,
            verified: true,
            trust_level: null,
          };
          waiting.push({ event: 'message', data: { type: 'message', data } });
          wake();
        },
      });
      const real = stream.events[Symbol.asyncIterator]();
      async function* merged(): AsyncGenerator<TopicEvent> {
        let next = real.next();
        for (;;) {
          const woken = new Promise<'woken'>((resolve) => (wake = () => resolve('woken')));
          while (waiting.length > 0) yield waiting.shift()!;
          const first = await Promise.race([next, woken]);
          if (first === 'woken') continue;
          if (first.done) return;
          yield first.value;
          next = real.next();
        }
      }
      return { events: merged(), close: () => stream.close() };
    },
  }),
};

const wrongStatus: Saboteur = {
  name: 'wrong-status',
  plants: 'answers 201 to what was there already, where 200 is documented',
  node: 'alice',
  caughtBy: 'smoke/contacts/machine-again',
  handlers: (handlers) => ({
    'contacts.addMachine': async (input, context) => {
      const answer = await handlers['contacts.addMachine'](input, context);
      // Without a status of its own an answer gets the first one documented.
      return 'body' in answer ? answer.body : answer;
    },
  }),
};

export const SABOTEURS: readonly Saboteur[] = [
  dropsMessages,
  deliversTwice,
  forgesSender,
  acknowledgesBeforeCommit,
  forgetsContact,
  liesInCounter,
  deliversBlocked,
  skipsSignatureCheck,
  deliversUnsubscribed,
  wrongStatus,
  ...surfaceSaboteurs,
  ...discoverySaboteurs,
  ...routesSaboteurs,
  ...presenceSaboteurs,
  ...overlaySaboteurs,
  ...resourceSaboteurs,
];

/** The node with the saboteur's one wrapping. */
export function sabotage(saboteur: Saboteur, compose: (ports: NodePorts) => Node, ports: NodePorts): Node {
  const node = compose(saboteur.ports?.(ports) ?? ports);
  if (!saboteur.handlers) return node;
  return {
    ...node,
    handlers: { ...node.handlers, ...saboteur.handlers(node.handlers, node.services) },
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}
