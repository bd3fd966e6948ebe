/** Messages to one agent, acknowledged once the recipient has committed them. */
import { z } from 'zod';
import { capability } from './capability.ts';
import { agentId, base64Text, count, cursor, hex64, machineId, milliseconds, text, TRUST_DECISIONS, uncheckedBase64 } from './fields.ts';

const NO_SOCKET = { absent: 'sockets carry messages only' };

/** A received message, as streams and sockets tell it. */
export const directMessage = z.object({
  sender: hex64(),
  machine_id: hex64(),
  payload: base64Text(),
  received_at: milliseconds(),
  verified: z.boolean(),
  trust_decision: z.enum(TRUST_DECISIONS).nullable(),
});

const connection = z.object({
  outcome: z.enum(['Direct', 'Coordinated', 'AlreadyConnected', 'Unreachable', 'NotFound']),
  addr: z.string().nullable(),
});
const connectionFailed = { status: 500, error: 'connection failed', when: 'the daemon is stopping' };

const failure = (status: number, error: string, when: string) => ({ status, error, when, fields: ['detail'] });

export const direct = {
  connect: capability({
    name: 'direct.connect',
    summary: 'Make a link to an agent; the outcome says how, or that there is none',
    method: 'POST',
    path: '/agents/connect',
    auth: 'bearer',
    body: 'json-prefix',
    input: z.object({ agent_id: agentId() }),
    output: connection,
    shape: 'object',
    status: [200],
    errors: [connectionFailed],
    volatile: ['outcome', 'addr'],
    nodes: 2,
    surfaces: {
      cli: { command: 'direct connect', arguments: [{ field: 'agent_id', label: 'AGENT_ID' }] },
      client: true,
      ws: NO_SOCKET,
      mcp: 'core',
    },
    example: { input: { agent_id: '$peer.agent_id' } },
  }),
  connectMachine: capability({
    name: 'direct.connectMachine',
    summary: 'Make a link to a machine',
    method: 'POST',
    path: '/machines/connect',
    auth: 'bearer',
    body: 'json-prefix',
    input: z.object({ machine_id: machineId() }),
    output: connection,
    shape: 'object',
    status: [200],
    errors: [connectionFailed],
    volatile: ['outcome', 'addr'],
    nodes: 2,
    surfaces: {
      cli: { command: 'machines connect', arguments: [{ field: 'machine_id', label: 'MACHINE_ID' }] },
      client: true,
      ws: NO_SOCKET,
      mcp: 'more',
    },
    example: { input: { machine_id: '$peer.machine_id' } },
  }),
  send: capability({
    name: 'direct.send',
    summary: 'Send bytes to an agent; success means that the recipient has committed them',
    method: 'POST',
    path: '/direct/send',
    auth: 'bearer',
    body: 'json-prefix',
    input: z.object({
      agent_id: agentId(),
      // A blocked recipient is refused before a bad payload.
      payload: uncheckedBase64(),
      require_ack_ms: z.int().min(0).optional().describe("probe the recipient's machine afterwards, within 100 to 30000 ms; changes nothing else"),
      logical_id: text(128, 'order-17').optional().describe('sends that carry the same one are one message'),
    }),
    output: z.object({
      path: z.enum(['loopback', 'gossip_inbox', 'raw_quic', 'raw_quic_acked']),
      retries_used: count(),
      request_id: z.string().regex(/^[0-9a-f]{32}$/u),
      require_ack: z
        .discriminatedUnion('ok', [
          z.object({ ok: z.literal(true), rtt_ms: z.number().min(0) }),
          z.object({ ok: z.literal(false), error: z.string() }),
        ])
        .nullable(),
    }),
    shape: 'object',
    status: [200],
    errors: [
      { status: 403, error: 'agent is blocked', when: 'the recipient is blocked here' },
      { status: 400, error: 'invalid base64: {}', when: 'the payload is not base64' },
      failure(403, 'recipient_rejected', 'the recipient refuses this agent, or this machine of it'),
      failure(404, 'recipient_key_unavailable', 'nothing is known of the recipient'),
      failure(409, 'idempotency_conflict', 'logical_id was used for another payload'),
      failure(400, 'envelope_construction', 'no envelope could be made of the payload'),
      failure(413, 'payload_too_large', 'the payload exceeds the limit'),
      failure(500, 'publish_failed', 'the message could not be handed to the network'),
      failure(502, 'peer_likely_offline', 'the recipient has been silent for long and is not linked'),
      failure(502, 'peer_disconnected', 'the link to the recipient ended'),
      failure(503, 'local_gossip_unavailable', 'the network is not up yet'),
      failure(503, 'no_connectivity', 'there is no way to the recipient'),
      failure(504, 'timeout', 'the recipient did not acknowledge in time; it may still have the message'),
    ],
    volatile: ['request_id', 'retries_used', 'require_ack.rtt_ms'],
    nodes: 2,
    surfaces: {
      cli: {
        command: 'direct send',
        arguments: [
          { field: 'agent_id', label: 'AGENT_ID' },
          { field: 'payload', label: 'TEXT', as: 'text' },
        ],
      },
      client: true,
      ws: 'send_direct',
      mcp: 'core',
    },
    example: { input: { agent_id: '$peer.agent_id', payload: 'aGVsbG8=' } },
  }),
  connections: capability({
    name: 'direct.connections',
    summary: 'The agents that this daemon is linked to',
    method: 'GET',
    path: '/direct/connections',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({ connections: z.array(z.object({ agent_id: hex64(), machine_id: hex64().nullable() })) }),
    shape: 'object',
    status: [200],
    nodes: 2,
    surfaces: { cli: { command: 'direct connections' }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
  events: capability({
    name: 'direct.events',
    summary: 'Stream direct messages as they are committed',
    method: 'GET',
    path: '/direct/events',
    auth: 'query',
    body: 'none',
    input: z.object({}),
    output: z.undefined(),
    shape: 'stream',
    status: [200],
    keepAliveMs: 15_000,
    events: { direct_message: directMessage },
    volatile: ['received_at'],
    nodes: 2,
    surfaces: {
      cli: { command: 'direct events' },
      client: true,
      ws: 'direct_message',
      mcp: { absent: 'a tool call returns once; `direct.inbox` gives the same messages' },
    },
    example: { trigger: { call: 'direct.send', input: { agent_id: '$self.agent_id', payload: 'aGVsbG8=' }, by: 'peer' } },
  }),
  inbox: capability({
    name: 'direct.inbox',
    summary: 'Committed direct messages, oldest first',
    method: 'GET',
    path: '/direct/inbox',
    auth: 'bearer',
    body: 'none',
    input: z.object({
      after: cursor().optional().describe('only messages after this one'),
      limit: z.int().min(1).max(1000).default(100).describe('at most so many messages'),
    }),
    output: z.object({
      messages: z.array(
        directMessage.extend({
          cursor: z.string().regex(/^[0-9a-f]{16}$/u),
          request_id: z.string().regex(/^[0-9a-f]{32}$/u),
          logical_id: z.string().nullable(),
        }),
      ),
      /** pass as `after` for the next page; `null` when this page is empty */
      next: z
        .string()
        .regex(/^[0-9a-f]{16}$/u)
        .nullable(),
    }),
    shape: 'object',
    status: [200],
    nodes: 2,
    surfaces: { cli: { command: 'direct inbox' }, client: true, ws: NO_SOCKET, mcp: 'core' },
  }),
};
