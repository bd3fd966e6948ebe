import { CapabilityError } from '@muster/contract';
import type { EventOf, Registry } from '@muster/contract';
import type { MachineId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import { EventQueue } from '../../ports/event-queue.ts';
import type { Counters } from '../counters.ts';
import type { HandlersOf } from '../families.ts';
import type { LinkHistory } from '../links/link-history.ts';
import type { Link } from '../links/link.ts';
import type { LinkManager } from '../links/link-manager.ts';
import { scoreOf } from '../peers/peer-cache.ts';
import type { PeerCache } from '../peers/peer-cache.ts';
import type { Connectivity } from './connectivity.ts';

type PeerEvent = EventOf<Registry['network.peerEvents']>;

/** events that may wait for one reader before the oldest go */
const PEER_EVENT_QUEUE = 1_024;
const PROBE_MIN_MS = 100;
const PROBE_MAX_MS = 30_000;

export interface NetworkParts {
  readonly clock: Clock;
  readonly links: LinkManager;
  readonly cache: PeerCache;
  readonly history: LinkHistory;
  readonly connectivity: Connectivity;
  readonly counters: Counters;
}

export function networkHandlers({ clock, links, cache, history, connectivity, counters }: NetworkParts): HandlersOf<'network'> {
  const ago = (at: number): number => Math.round(clock.monotonic() - at);
  return {
    'network.peers': () => ({ peers: links.all().map((link) => ({ id: link.machine as string })) }),
    'network.status': () => {
      const state = connectivity.state();
      return {
        local_addr: state.local,
        external_addrs: state.external,
        nat_type: 'unknown',
        has_global_address: state.hasGlobalAddress,
        can_receive_direct: state.canReceiveDirect,
        connected_peers: state.links,
        direct_connections: state.links,
        relayed_connections: 0,
        hole_punch_success_rate: 0,
        is_relaying: false,
        relay_sessions: 0,
        is_coordinating: false,
        coordination_sessions: 0,
        avg_rtt_ms: state.averageRtt,
        uptime_secs: connectivity.uptime(),
      };
    },
    'network.bootstrapCache': () => {
      const { links: count } = connectivity.state();
      const seconds = Math.floor(clock.now() / 1_000);
      return {
        connection_count: count,
        connected_peers: links.all().map(({ machine, address }) => `${machine}@${address}`),
        cached_peers: cache.all().map((peer) => ({
          machine_id: peer.machine as string,
          address: peer.address,
          score: Math.round(scoreOf(peer, seconds) * 1_000) / 1_000,
        })),
      };
    },
    'network.probe': async (input) => {
      if (!links.listener) throw new CapabilityError(503, 'network node not running');
      const link = links.toMachine(input.peer_id as MachineId);
      if (!link) throw new CapabilityError(503, 'probe failed: no link to that machine');
      const timeoutMs = Math.min(Math.max(input.timeout_ms, PROBE_MIN_MS), PROBE_MAX_MS);
      const rtt = await link.probe(timeoutMs);
      if (rtt === undefined) throw new CapabilityError(503, `probe failed: no answer within ${timeoutMs} ms`);
      return { rtt_ms: Math.round(rtt), rtt_us: Math.round(rtt * 1_000), timeout_ms: timeoutMs };
    },
    'network.peerHealth': (input) => {
      const machine = input.peer_id as MachineId;
      const link = links.toMachine(machine);
      return { peer_id: machine, ...(link ? ofLink(link) : ofEnded(machine)) };
    },
    'network.peerEvents': () => {
      const queue = new EventQueue<PeerEvent>(PEER_EVENT_QUEUE, () => counters.add('peer_events_slow_reader_dropped_total'));
      const listener = history.onEvent(({ machine, event, at }) =>
        queue.push({ event: 'peer-lifecycle', data: { peer_id: machine, event, at_ms: at } }),
      );
      return {
        events: queue,
        close: () => {
          listener[Symbol.dispose]();
          queue.close();
        },
      };
    },
  };

  function ofLink(link: Link) {
    return {
      health: 'Connected',
      snapshot: {
        connected: true,
        generation: link.generation,
        reader_task_active: true,
        last_received_ms_ago: ago(link.lastReceivedAt),
        last_sent_ms_ago: ago(link.lastSentAt),
        idle_ms: ago(Math.max(link.lastReceivedAt, link.lastSentAt)),
        close_reason: null,
      },
    };
  }

  function ofEnded(machine: MachineId) {
    const ended = history.ended(machine);
    return {
      health: ended ? 'Closed' : 'Unknown',
      snapshot: {
        connected: false,
        generation: ended?.generation ?? null,
        reader_task_active: false,
        last_received_ms_ago: null,
        last_sent_ms_ago: null,
        idle_ms: null,
        close_reason: ended?.reason ?? null,
      },
    };
  }
}
