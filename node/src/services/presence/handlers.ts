import type { EventOf, OutputOf, Registry } from '@muster/contract';
import type { AgentId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import { EventQueue } from '../../ports/event-queue.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { HandlersOf } from '../families.ts';
import type { FoafWalks } from '../foaf/walks.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import type { KnownPeers } from '../peers/known-peers.ts';
import type { PresenceService } from './presence-service.ts';
import type { Present } from './presence-table.ts';

type PresenceEvent = EventOf<Registry['presence.events']>;
type Entry = OutputOf<Registry['presence.online']>['agents'][number];

/** events that may wait for one reader before the oldest go */
const EVENT_QUEUE = 10_000;
const TIMEOUT_LEAST_MS = 100;
const TIMEOUT_MOST_MS = 30_000;

export interface PresenceHandlerParts {
  readonly presence: PresenceService;
  readonly walks: FoafWalks;
  readonly contacts: ContactStore;
  readonly peers: KnownPeers;
  readonly identity: LocalIdentity;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly eventPollMs: number;
  /** `host:port` of our own that the public internet routes */
  readonly addresses: () => readonly string[];
}

export function presenceHandlers(parts: PresenceHandlerParts): HandlersOf<'presence'> {
  const { presence, walks, contacts, peers, identity, clock, counters } = parts;
  const within = (ms: number): number => Math.min(Math.max(ms, TIMEOUT_LEAST_MS), TIMEOUT_MOST_MS);
  const trusted = ({ agent, machine }: Present): boolean => {
    const decision = contacts.evaluate(agent, machine);
    return decision === 'accept' || decision === 'accept_with_flag';
  };

  return {
    'presence.agents': () => ({ agents: presence.online().map(({ agent }) => agent as string) }),
    'presence.online': () => ({ agents: presence.online().map(entryOf) }),
    'presence.foaf': async (input, { signal }) => {
      await walks.walk({ ttl: input.ttl, timeoutMs: within(input.timeout_ms) }, signal);
      return { agents: presence.online().filter(trusted).map(entryOf) };
    },
    'presence.find': async (input, { signal }) => {
      const agent = input.id as AgentId;
      if (!presence.isOnline(agent)) await walks.walk({ ttl: input.ttl, timeoutMs: within(input.timeout_ms), target: agent }, signal);
      return { agent: presence.isOnline(agent) ? entry(agent) : null };
    },
    'presence.status': (input) => {
      const agent = input.id as AgentId;
      return { online: presence.isOnline(agent), agent: entry(agent) };
    },
    'presence.events': () => {
      const queue = new EventQueue<PresenceEvent>(EVENT_QUEUE, () => counters.add('presence_events_slow_reader_dropped_total'));
      const told = new Set<AgentId>();
      const look = (): void => {
        const online = new Map(presence.online().map((present) => [present.agent, present]));
        for (const agent of told) {
          if (online.has(agent)) continue;
          told.delete(agent);
          queue.push({ event: 'presence', data: { event: 'offline', agent_id: agent } });
        }
        for (const [agent, present] of online) {
          if (told.has(agent)) continue;
          told.add(agent);
          const reachable = addressesOf(present).length > 0;
          queue.push({ event: 'presence', data: { event: 'online', agent_id: agent, reachable } });
        }
      };
      look();
      const listener = presence.onHeard(look);
      const timer = clock.every(parts.eventPollMs, look);
      return {
        events: queue,
        close: () => {
          timer[Symbol.dispose]();
          listener[Symbol.dispose]();
          queue.close();
        },
      };
    },
  };

  function entry(agent: AgentId): Entry | null {
    if (agent === identity.agentId) return ourselves();
    const present = presence.table.get(agent);
    return present && !contacts.rejects(agent, present.machine) ? entryOf(present) : null;
  }

  /** What it says of itself, and what is known here besides: addresses of this host and the LAN stay here. */
  function entryOf(present: Present): Entry {
    const { agent, machine } = present;
    const known = peers.get(agent);
    return {
      agent_id: agent,
      machine_id: machine,
      user_id: known?.machine === machine ? known.user : null,
      addresses: addressesOf(present),
      announced_at: Math.floor(present.since / 1_000),
      last_seen: Math.floor(present.heard / 1_000),
    };
  }

  function addressesOf({ agent, machine, addresses }: Present): string[] {
    const known = peers.get(agent);
    return [...new Set([...addresses, ...(known?.machine === machine ? known.addresses : [])])];
  }

  function ourselves(): Entry {
    const now = Math.floor(clock.now() / 1_000);
    return {
      agent_id: identity.agentId,
      machine_id: identity.machineId,
      user_id: null,
      addresses: [...parts.addresses()],
      announced_at: Math.floor((presence.own?.sent ?? clock.now()) / 1_000),
      last_seen: now,
    };
  }
}
