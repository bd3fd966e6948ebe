/** Bugs in what a node tells of presence. */
import type { EventOf, Registry } from '@muster/contract';
import type { Saboteur } from './saboteur.ts';

const onlineForEver: Saboteur = {
  name: 'online-for-ever',
  plants: 'reports an agent online for ever once it was',
  node: 'alice',
  caughtBy: 'presence/line/down-seen',
  handlers: (handlers) => {
    const seen = new Map<string, object>();
    return {
      'presence.status': async (input, context) => {
        const answer = (await handlers['presence.status'](input, context)) as { online: boolean; agent: { agent_id: string } | null };
        if (answer.online && answer.agent) seen.set(input.id, answer.agent);
        return { ...answer, online: answer.online || seen.has(input.id) } as never;
      },
      'presence.agents': async (input, context) => {
        const { agents } = (await handlers['presence.agents'](input, context)) as { agents: string[] };
        return { agents: [...new Set([...seen.keys(), ...agents])] };
      },
    };
  },
};

const flaps: Saboteur = {
  name: 'flaps',
  plants: 'says of everybody who comes that it went again, and came again',
  node: 'alice',
  caughtBy: 'presence/line/events',
  handlers: (handlers) => ({
    'presence.events': async (input, context) => {
      const stream = await handlers['presence.events'](input, context);
      async function* changed(): AsyncGenerator<EventOf<Registry['presence.events']>> {
        for await (const event of stream.events) {
          yield event;
          if (event.data.event !== 'online') continue;
          yield { event: 'presence', data: { event: 'offline', agent_id: event.data.agent_id } };
          yield event;
        }
      }
      return { events: changed(), close: () => stream.close() };
    },
  }),
};

const tellsOfStrangers: Saboteur = {
  name: 'tells-of-strangers',
  plants: 'takes everybody who is online for a friend of a friend',
  node: 'alice',
  caughtBy: 'presence/known/no-friend',
  handlers: (handlers) => ({ 'presence.foaf': (_, context) => handlers['presence.online']({}, context) }),
};

const searchesOn: Saboteur = {
  name: 'searches-on',
  plants: 'goes on searching for whoever nobody knows until its time is up',
  node: 'alice',
  caughtBy: 'presence/known/ends',
  handlers: (handlers, _, clock) => ({
    'presence.find': async (input, context) => {
      const found = (await handlers['presence.find'](input, context)) as { agent: object | null };
      if (!found.agent) await clock.sleep(input.timeout_ms);
      return found as never;
    },
  }),
};

const walksOn: Saboteur = {
  name: 'walks-on',
  plants: 'passes a search from friend to friend on, however many steps it was given',
  node: 'alice',
  caughtBy: 'presence/walk/ends',
  services: ({ links }) => {
    links.on({
      up: () => {},
      down: () => {},
      message: (from, message) => {
        if (message.kind !== 'presence' || message.control.kind !== 'query' || message.control.ttl > 1) return;
        for (const link of links.all()) if (link !== from) link.send(message);
      },
    });
  },
};

const FEW = 3;

const asksTheSame: Saboteur = {
  name: 'asks-the-same',
  plants: 'has its searches ask the same few neighbours each time',
  node: 'alice',
  caughtBy: 'presence/chance/found',
  services: ({ links }) => {
    links.on({
      up: (link) => {
        const send = link.send.bind(link);
        const others = links.all().indexOf(link) >= FEW;
        link.send = (message, ...how) => !(others && message.kind === 'presence' && message.control.kind === 'query') && send(message, ...how);
      },
      down: () => {},
      message: () => {},
    });
  },
};

const queuesBeacons: Saboteur = {
  name: 'queues-beacons',
  plants: 'has signs of life wait behind all that is published',
  node: 'alice',
  caughtBy: 'presence/flood/steady',
  services: ({ links }) => {
    links.on({
      up: (link) => {
        const send = link.send.bind(link);
        // Without `urgent`, which lets a message pass those that wait.
        link.send = (message) => send(message);
      },
      down: () => {},
      message: () => {},
    });
  },
};

const alwaysHealthy: Saboteur = {
  name: 'always-healthy',
  plants: 'calls itself healthy whoever hears it',
  node: 'alice',
  caughtBy: 'presence/health/degraded',
  handlers: (handlers) => ({
    'status.health': async (input, context) => ({ ...((await handlers['status.health'](input, context)) as object), status: 'healthy' }) as never,
  }),
};

const listsTheGone: Saboteur = {
  name: 'lists-the-gone',
  plants: 'lists peers for ever once it was linked with them',
  node: 'alice',
  caughtBy: 'links/paused/noticed',
  handlers: (handlers) => {
    const seen = new Map<string, { readonly id: string }>();
    return {
      'network.peers': async (input, context) => {
        const answer = (await handlers['network.peers'](input, context)) as { peers: { readonly id: string }[] };
        for (const peer of answer.peers) seen.set(peer.id, peer);
        return { ...answer, peers: [...seen.values()] } as never;
      },
    };
  },
};

export const presenceSaboteurs: readonly Saboteur[] = [
  onlineForEver,
  flaps,
  tellsOfStrangers,
  searchesOn,
  walksOn,
  asksTheSame,
  queuesBeacons,
  alwaysHealthy,
  listsTheGone,
];
