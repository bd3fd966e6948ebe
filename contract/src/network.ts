/** Who this daemon is linked to, how well, and what becomes of the links. */
import { z } from 'zod';
import { capability, type CliArgument } from './capability.ts';
import { count, duration, hex64, milliseconds, peerId } from './fields.ts';

const NO_SOCKET = { absent: 'sockets carry messages only' };
const PEER: CliArgument = { field: 'peer_id', label: 'PEER_ID' };
const notJoined = { status: 503, error: 'network not initialized', when: 'the daemon has not joined the network yet' };

/** ms that a probe waits when nobody says otherwise */
const PROBE_DEFAULT_MS = 2_000;

export const network = {
  peers: capability({
    name: 'network.peers',
    summary: 'The machines that this daemon is linked to',
    method: 'GET',
    path: '/peers',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({ peers: z.array(z.object({ id: hex64() })) }),
    shape: 'object',
    status: [200],
    nodes: 2,
    surfaces: { cli: { command: 'peers' }, client: true, ws: NO_SOCKET, mcp: 'core' },
  }),
  status: capability({
    name: 'network.status',
    summary: 'How this daemon takes part in the network: addresses, links, round trips',
    method: 'GET',
    path: '/network/status',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({
      local_addr: z.string(),
      external_addrs: z.array(z.string()),
      nat_type: z.string(),
      has_global_address: z.boolean(),
      can_receive_direct: z.boolean(),
      connected_peers: count(),
      direct_connections: count(),
      relayed_connections: count(),
      hole_punch_success_rate: z.number(),
      is_relaying: z.boolean(),
      relay_sessions: count(),
      is_coordinating: z.boolean(),
      coordination_sessions: count(),
      /** ms, the mean over all links; 0 without any */
      avg_rtt_ms: duration(),
      uptime_secs: count(),
    }),
    shape: 'object',
    status: [200],
    errors: [notJoined],
    volatile: ['uptime_secs', 'avg_rtt_ms', 'connected_peers', 'direct_connections', 'can_receive_direct'],
    surfaces: { cli: { command: 'network status' }, client: true, ws: NO_SOCKET, mcp: 'core' },
  }),
  bootstrapCache: capability({
    name: 'network.bootstrapCache',
    summary: 'The peers that a new start would begin with',
    method: 'GET',
    path: '/network/bootstrap-cache',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({
      connection_count: count(),
      connected_peers: z.array(z.string()),
      /** where machines have answered, or said they would, the best first */
      cached_peers: z.array(z.object({ machine_id: hex64(), address: z.string(), score: z.number().min(0).max(1) })).optional(),
    }),
    shape: 'object',
    status: [200],
    errors: [notJoined],
    volatile: ['connection_count', 'connected_peers', 'cached_peers'],
    nodes: 2,
    surfaces: { cli: { command: 'network cache' }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
  probe: capability({
    name: 'network.probe',
    summary: 'Ask a linked machine for a sign of life and measure the round trip',
    method: 'POST',
    path: '/peers/:peer_id/probe',
    auth: 'bearer',
    body: 'none',
    input: z.object({
      peer_id: peerId(),
      timeout_ms: z.int().min(0).default(PROBE_DEFAULT_MS).describe('how long to wait, within 100 to 30000 ms'),
    }),
    query: ['timeout_ms'],
    output: z.object({ rtt_ms: count(), rtt_us: count(), timeout_ms: count() }),
    shape: 'object',
    status: [200],
    errors: [
      { status: 503, error: 'probe failed: {}', when: 'there is no link to the machine, or it does not answer in time' },
      { status: 503, error: 'network node not running', when: 'the daemon has not joined the network yet' },
    ],
    volatile: ['rtt_ms', 'rtt_us'],
    nodes: 2,
    surfaces: { cli: { command: 'peer probe', arguments: [PEER] }, client: true, ws: NO_SOCKET, mcp: 'more' },
    example: { input: { peer_id: '$peer.machine_id' } },
  }),
  peerHealth: capability({
    name: 'network.peerHealth',
    summary: 'How the link to a machine is, or how the last one ended',
    method: 'GET',
    path: '/peers/:peer_id/health',
    auth: 'bearer',
    body: 'none',
    input: z.object({ peer_id: peerId() }),
    output: z.object({
      peer_id: hex64(),
      /** `Connected`, `Closed` (there was a link), `Unknown` (never heard of) */
      health: z.string(),
      snapshot: z.object({
        connected: z.boolean(),
        /** counts the links to the machine since the daemon started */
        generation: count().nullable(),
        reader_task_active: z.boolean(),
        last_received_ms_ago: count().nullable(),
        last_sent_ms_ago: count().nullable(),
        /** since anything went either way */
        idle_ms: count().nullable(),
        close_reason: z.string().nullable(),
      }),
    }),
    shape: 'object',
    status: [200],
    volatile: ['snapshot.last_received_ms_ago', 'snapshot.last_sent_ms_ago', 'snapshot.idle_ms'],
    nodes: 2,
    surfaces: { cli: { command: 'peer health', arguments: [PEER] }, client: true, ws: NO_SOCKET, mcp: 'more' },
    example: { input: { peer_id: '$peer.machine_id' } },
  }),
  peerEvents: capability({
    name: 'network.peerEvents',
    summary: 'Stream the life of links as it happens: established, replaced, closing, closed',
    method: 'GET',
    path: '/peers/events',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.undefined(),
    shape: 'stream',
    status: [200],
    keepAliveMs: 15_000,
    events: {
      /** `event`: `Established { generation: 1 }`, `Replaced { old_generation: 1, new_generation: 2 }`, `Closing { … }`, `Closed { generation: 1, reason: "…" }` */
      'peer-lifecycle': z.object({ peer_id: hex64(), event: z.string(), at_ms: milliseconds() }),
    },
    volatile: ['at_ms'],
    nodes: 2,
    surfaces: { cli: { command: 'peer events' }, client: true, ws: NO_SOCKET, mcp: { absent: 'a tool call returns once; it cannot stream' } },
    example: { trigger: 'peer-restart' },
  }),
};
