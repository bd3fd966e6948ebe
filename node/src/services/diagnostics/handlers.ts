import type { MachineId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { DirectService } from '../direct/direct-service.ts';
import { DIRECT_EVENT_QUEUE } from '../direct/handlers.ts';
import type { HandlersOf } from '../families.ts';
import type { LinkManager } from '../links/link-manager.ts';
import { toMicroseconds } from '../network/connectivity.ts';
import type { Connectivity } from '../network/connectivity.ts';
import type { TreeOverlay } from '../overlay/tree-overlay.ts';
import { gossipNumbers } from './gossip.ts';
import { pubsubStages } from './pubsub-stages.ts';

export interface DiagnosticsParts {
  readonly clock: Clock;
  readonly links: LinkManager;
  readonly direct: DirectService;
  readonly connectivity: Connectivity;
  readonly counters: Counters;
  readonly overlay: TreeOverlay;
  readonly self: MachineId;
}

const NO_PUBLIC_MESSAGES = {
  group_id: '__global_public__',
  members_v2_size: 0,
  subscribed_metadata: false,
  subscribed_public: false,
  messages_received: 0,
  messages_dropped_decode_failed: 0,
  messages_dropped_author_banned: 0,
  messages_dropped_write_policy_violation: 0,
  messages_dropped_signature_failed: 0,
  messages_dropped_other: 0,
  last_message_at_ms: null,
  member_joined_events_applied: 0,
};

export function diagnosticsHandlers({ clock, links, direct, connectivity, counters, overlay, self }: DiagnosticsParts): HandlersOf<'diagnostics'> {
  const ago = (at: number | undefined): number | null => (at === undefined ? null : Math.round(clock.monotonic() - at));
  const rttOf = (rtt: number | undefined): number | null => (rtt === undefined ? null : toMicroseconds(rtt));
  return {
    'diagnostics.connectivity': () => {
      const state = connectivity.state();
      const connections = { connected_peers: state.links, active: state.links, direct: state.links, relayed: 0, hole_punch_success_rate: 0 };
      return {
        peer_id: self,
        local_addr: state.local,
        external_addrs: state.external,
        nat_type: 'unknown',
        can_receive_direct: state.canReceiveDirect,
        direct_reachability_scope: state.dialledFrom,
        has_global_address: state.hasGlobalAddress,
        port_mapping: { active: false, external_addr: null },
        mdns: { browsing: state.lan.looking, advertising: state.lan.looking, discovered_peers: state.lan.found },
        // Whoever listens can be the bootstrap peer of others.
        services: { relay_enabled: false, coordinator_enabled: false, bootstrap_enabled: true },
        connections,
        relay: { is_relaying: false, sessions: 0, bytes_forwarded: 0 },
        coordinator: { is_coordinating: false, sessions: 0 },
        avg_rtt_ms: state.averageRtt,
        uptime_s: connectivity.uptime(),
      };
    },
    'diagnostics.gossip': () => gossipNumbers(counters, links.received, pubsubStages(overlay, clock.now()), connectivity.uptime()),
    // There are no groups yet, and nobody listens to public messages at large.
    'diagnostics.groups': () => ({ groups: [NO_PUBLIC_MESSAGES] }),
    'diagnostics.dm': () => ({
      stats: {
        outgoing_send_total: counters.get('dm_outgoing_send_total'),
        outgoing_send_succeeded: counters.get('dm_outgoing_send_succeeded_total'),
        outgoing_send_failed: counters.get('dm_outgoing_send_failed_total'),
        outgoing_path_loopback: counters.get('dm_outgoing_path_loopback_total'),
        outgoing_path_raw_quic: counters.get('dm_outgoing_path_link_total'),
        outgoing_path_gossip_inbox: counters.get('dm_outgoing_path_gossip_inbox_total'),
        incoming_envelopes_total: counters.get('dm_incoming_envelopes_total'),
        incoming_decode_failed: counters.get('dm_incoming_decode_failed_total'),
        incoming_signature_failed: counters.get('dm_incoming_signature_failed_total'),
        incoming_trust_rejected: counters.get('dm_incoming_trust_rejected_total'),
        incoming_delivered_to_subscribe: counters.get('dm_delivered_to_listener_total'),
        subscriber_events_evicted: counters.get('dm_subscriber_events_evicted_total'),
        subscriber_channel_lagged: 0,
        subscriber_channel_closed: 0,
      },
      per_peer: Object.fromEntries(
        [...direct.activity.entries()].map(([agent, activity]) => [
          agent,
          {
            avg_rtt_ms: rttOf(links.toAgent(agent)?.rtt),
            last_send_ms_ago: ago(activity.lastSend),
            last_recv_ms_ago: ago(activity.lastReceive),
            send_succeeded: activity.succeeded,
            send_failed: activity.failed,
            recv_count: activity.received,
            preferred_path: activity.path ?? 'unknown',
          },
        ]),
      ),
      subscriber_count: direct.listeners,
      subscriber_capacity: DIRECT_EVENT_QUEUE,
    }),
  };
}
