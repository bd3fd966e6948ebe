/** Numbers for whoever looks into a daemon: its links, its share in pub/sub, its direct messages. */
import { z } from 'zod';
import { capability } from './capability.ts';
import { count, duration, hex64, milliseconds } from './fields.ts';

const NO_SOCKET = { absent: 'sockets carry messages only' };
const notJoined = { status: 503, error: 'network not initialized', when: 'the daemon has not joined the network yet' };

const counts = <const Names extends readonly string[]>(...names: Names) =>
  z.object(Object.fromEntries(names.map((name) => [name, count()])) as Record<Names[number], z.ZodInt>);

/** One of each for pub/sub, membership of the overlay, and all else. */
const lanes = <S extends z.ZodType>(schema: S) => z.object({ pubsub: schema, membership: schema, bulk: schema });

const dispatched = counts(
  'received',
  'completed',
  'timed_out',
  'max_elapsed_ms',
  'total_elapsed_ns',
  'over_1s_count',
  'over_5s_count',
  'over_30s_count',
);

const pumped = counts(
  'produced_total',
  'enqueued_total',
  'dequeued_total',
  'dropped_full',
  'dropped_closed',
  'latest_depth',
  'max_depth',
  'capacity',
  'max_dwell_ms',
).extend({ avg_dwell_ms: duration(), producer_per_sec: duration(), consumer_per_sec: duration() });

const timing = counts('count', 'total_elapsed_ns', 'max_elapsed_ms');

/** What the overlay did with what arrived, and how it stands with its neighbours: at most 256 rows of neighbour and topic. */
const pubsubStages = z.object({
  message_kinds: counts('eager', 'ihave', 'iwant', 'graft', 'prune', 'anti_entropy', 'other', 'decode_failed'),
  decode: timing,
  verify: timing,
  dedupe_lock_acquire: timing,
  dedupe_check: timing,
  eager_fanout: timing,
  republish: timing,
  republish_per_peer_timeout: count(),
  /** `topic` is empty: it is the peer that is cut off, in all topics */
  suppressed_peers: z.array(
    counts('suppressed_until_unix_ms', 'suppressed_for_ms', 'recent_timeout_count').extend({ peer_id: hex64(), topic: z.string() }),
  ),
  /** `score` and `send_health` from 0 to 1 */
  peer_scores: z.array(
    counts('outbound_send_timeouts', 'cooling_events').extend({
      peer_id: hex64(),
      topic: z.string(),
      role: z.string(),
      score: z.number(),
      send_health: z.number(),
      eager_eligible: z.boolean(),
    }),
  ),
});

const groupNumbers = counts(
  'members_v2_size',
  'messages_received',
  'messages_dropped_decode_failed',
  'messages_dropped_author_banned',
  'messages_dropped_write_policy_violation',
  'messages_dropped_signature_failed',
  'messages_dropped_other',
  'member_joined_events_applied',
).extend({ group_id: z.string(), subscribed_metadata: z.boolean(), subscribed_public: z.boolean(), last_message_at_ms: milliseconds().nullable() });

export const diagnostics = {
  connectivity: capability({
    name: 'diagnostics.connectivity',
    summary: 'How this daemon can be reached, how it finds others, and over what it is linked',
    method: 'GET',
    path: '/diagnostics/connectivity',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({
      peer_id: hex64(),
      local_addr: z.string(),
      external_addrs: z.array(z.string()),
      nat_type: z.string(),
      can_receive_direct: z.boolean(),
      /** the widest one that a peer has dialled this daemon from: `unknown`, `loopback`, `local_network`, `global` */
      direct_reachability_scope: z.string(),
      has_global_address: z.boolean(),
      port_mapping: z.object({ active: z.boolean(), external_addr: z.string().nullable() }),
      mdns: z.object({ browsing: z.boolean(), advertising: z.boolean(), discovered_peers: count() }),
      services: z.object({ relay_enabled: z.boolean(), coordinator_enabled: z.boolean(), bootstrap_enabled: z.boolean() }),
      connections: z.object({
        connected_peers: count(),
        active: count(),
        direct: count(),
        relayed: count(),
        hole_punch_success_rate: z.number(),
      }),
      relay: z.object({ is_relaying: z.boolean(), sessions: count(), bytes_forwarded: count() }),
      coordinator: z.object({ is_coordinating: z.boolean(), sessions: count() }),
      avg_rtt_ms: duration(),
      uptime_s: count(),
    }),
    shape: 'object',
    status: [200],
    errors: [notJoined],
    volatile: ['uptime_s', 'avg_rtt_ms', 'connections', 'mdns.discovered_peers', 'can_receive_direct', 'direct_reachability_scope'],
    surfaces: { cli: { command: 'diagnostics connectivity' }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
  gossip: capability({
    name: 'diagnostics.gossip',
    summary: 'What became of published messages here, stage by stage, and how busy receiving is',
    method: 'GET',
    path: '/diagnostics/gossip',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({
      stats: counts(
        'publish_total',
        'publish_failed',
        'incoming_total',
        'incoming_decoded',
        'incoming_decode_failed',
        'delivered_to_subscriber',
        'slow_subscriber_dropped',
        'subscriber_channel_closed',
        'in_flight_decode',
      ).extend({ decode_to_delivery_drops: z.int() }),
      pubsub_stages: pubsubStages,
      dispatcher: lanes(dispatched).extend({
        recv_depth: lanes(counts('latest', 'max', 'capacity')),
        pubsub_workers: count(),
        membership_workers: count(),
      }),
      recv_pump: lanes(pumped).extend({
        uptime_secs: count(),
        per_peer: z.record(
          z.string(),
          counts('pubsub_produced', 'membership_produced', 'bulk_produced', 'pubsub_dropped_full', 'membership_dropped_full', 'bulk_dropped_full'),
        ),
      }),
    }),
    shape: 'object',
    status: [200],
    volatile: ['stats', 'pubsub_stages', 'dispatcher', 'recv_pump'],
    surfaces: { cli: { command: 'diagnostics gossip' }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
  dm: capability({
    name: 'diagnostics.dm',
    summary: 'What became of direct messages, in all and by agent',
    method: 'GET',
    path: '/diagnostics/dm',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({
      stats: counts(
        'outgoing_send_total',
        'outgoing_send_succeeded',
        'outgoing_send_failed',
        'outgoing_path_loopback',
        'outgoing_path_raw_quic',
        'outgoing_path_gossip_inbox',
        'incoming_envelopes_total',
        'incoming_decode_failed',
        'incoming_signature_failed',
        'incoming_trust_rejected',
        'incoming_delivered_to_subscribe',
        'subscriber_events_evicted',
        'subscriber_channel_lagged',
        'subscriber_channel_closed',
      ),
      per_peer: z.record(
        z.string(),
        z.object({
          avg_rtt_ms: duration().nullable(),
          last_send_ms_ago: count().nullable(),
          last_recv_ms_ago: count().nullable(),
          send_succeeded: count(),
          send_failed: count(),
          recv_count: count(),
          /** `path` of the last message that was acknowledged; `unknown` before the first */
          preferred_path: z.string(),
        }),
      ),
      subscriber_count: count(),
      subscriber_capacity: count(),
    }),
    shape: 'object',
    status: [200],
    volatile: ['stats', 'per_peer', 'subscriber_count'],
    surfaces: { cli: { command: 'diagnostics dm' }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
  groups: capability({
    name: 'diagnostics.groups',
    summary: 'What became of the messages of each group; the row `__global_public__` is of public messages at large',
    method: 'GET',
    path: '/diagnostics/groups',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({ groups: z.array(groupNumbers) }),
    shape: 'object',
    status: [200],
    volatile: ['groups'],
    surfaces: { cli: { command: 'diagnostics groups' }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
};
