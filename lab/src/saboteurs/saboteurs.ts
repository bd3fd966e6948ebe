/**
 * Nodes with one planted bug each, to see that the suites catch it: in a port, in its handlers, in a service, or in what
 * its command line prints. The product has no hook for this: `createNode` is composed from ports, handlers are a plain
 * object, and whoever composes a node has its services at hand.
 */
import type { Node, NodePorts } from '@muster/node';
import type { Saboteur } from './saboteur.ts';
import { surfaceSaboteurs } from './surfaces.ts';
import { acknowledgesLater } from './acknowledges-later.ts';
import { routesSaboteurs } from './routes.ts';
import { discoverySaboteurs } from './discovery.ts';
import { presenceSaboteurs } from './presence.ts';
import { isolationSaboteurs } from './isolation.ts';
import { overlaySaboteurs } from './overlay.ts';
import { resourceSaboteurs } from './resources.ts';
import { directSaboteurs } from './direct.ts';
import { trustSaboteurs } from './trust.ts';
import { messagingSaboteurs } from './messaging.ts';
import { restartSaboteurs } from './restarts.ts';
import { forgets, inflated, messages, metrics, overheard, readings } from './wrappings.ts';

export type { Saboteur } from './saboteur.ts';

const ONE_PERCENT = 100;

const dropsMessages: Saboteur = {
  name: 'drops-messages',
  plants: 'drops 1 % of the messages on the event stream',
  node: 'alice',
  caughtBy: 'stress/delivery/exactly-once',
  handlers: (handlers) => messages(handlers, (event, n) => (n % ONE_PERCENT === 0 ? [] : [event])),
};

const deliversTwice: Saboteur = {
  name: 'delivers-twice',
  plants: 'delivers 1 % of the messages twice',
  node: 'alice',
  caughtBy: 'stress/delivery/exactly-once',
  handlers: (handlers) => messages(handlers, (event, n) => (n % ONE_PERCENT === 0 ? [event, event] : [event])),
};

const forgesSender: Saboteur = {
  name: 'forges-sender',
  plants: 'names another sender for 1 % of the messages',
  node: 'alice',
  caughtBy: 'stress/delivery/exactly-once',
  handlers: (handlers) =>
    messages(handlers, (event, n) => [
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
  ports: (ports) => forgets(ports, ['contact/'], 1),
};

const liesInCounter: Saboteur = {
  name: 'lies-in-counter',
  plants: 'reports more deliveries than there were',
  node: 'alice',
  caughtBy: 'stress/counters/alice/delivered',
  handlers: (handlers) => metrics(handlers, (text) => inflated(text, 'gossip_delivered_to_subscriber_total')),
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
  handlers: (handlers, services) => overheard(handlers, services, ({ topic }) => !services.pubsub.interested(topic)),
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
  ...isolationSaboteurs,
  ...resourceSaboteurs,
  ...directSaboteurs,
  ...trustSaboteurs,
  ...messagingSaboteurs,
  ...restartSaboteurs,
];

/** The node with the saboteur's one wrapping. */
export function sabotage(saboteur: Saboteur, compose: (ports: NodePorts) => Node, ports: NodePorts): Node {
  const node = compose(saboteur.ports?.(ports) ?? ports);
  saboteur.services?.(node.services);
  if (!saboteur.handlers) return node;
  return {
    ...node,
    handlers: { ...node.handlers, ...saboteur.handlers(node.handlers, node.services, ports.clock) },
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}
