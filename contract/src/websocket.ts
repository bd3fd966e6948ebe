/** Both directions in one connection: JSON text frames, told apart by `type`. */
import { z } from 'zod';
import { capability } from './capability.ts';
import { directMessage } from './direct.ts';
import { agentId, base64Text, count, hex64, topic, uncheckedBase64 } from './fields.ts';

const NO_CLI = { absent: 'a socket is held by a program; `events`, `direct events`, `publish` and `direct send` do the same' };
const NO_MCP = { absent: 'a tool call returns once' };
const ITSELF = { absent: 'it is the socket' };

/** Topics of one socket. */
export const MAX_SOCKET_TOPICS = 64;

const topics = z.array(topic()).max(MAX_SOCKET_TOPICS);

const frames = {
  ping: z.object({ type: z.literal('ping') }),
  subscribe: z.object({ type: z.literal('subscribe'), topics }),
  unsubscribe: z.object({ type: z.literal('unsubscribe'), topics }),
  publish: z.object({ type: z.literal('publish'), topic: topic(), payload: uncheckedBase64() }),
  send_direct: z.object({ type: z.literal('send_direct'), agent_id: agentId(), payload: uncheckedBase64() }),
};

/** What a client may say on a socket. */
export type SocketClientFrame = { [K in keyof typeof frames]: z.output<(typeof frames)[K]> }[keyof typeof frames];

const events = {
  connected: z.object({ type: z.literal('connected'), session_id: z.uuid(), agent_id: hex64() }),
  message: z.object({ type: z.literal('message'), topic: z.string(), payload: base64Text(), origin: hex64().nullable() }),
  /** at least so many messages of the topic will not come: the node was away for too long */
  missed: z.object({ type: z.literal('missed'), topic: z.string(), count: count() }),
  subscribed: z.object({ type: z.literal('subscribed'), topics: z.array(z.string()) }),
  unsubscribed: z.object({ type: z.literal('unsubscribed'), topics: z.array(z.string()) }),
  pong: z.object({ type: z.literal('pong') }),
  error: z.object({ type: z.literal('error'), message: z.string() }),
};

export const websocket = {
  connect: capability({
    name: 'websocket.connect',
    summary: 'A socket for topics: subscribe, publish, send',
    method: 'GET',
    path: '/ws',
    auth: 'query',
    body: 'none',
    input: z.object({}),
    output: z.undefined(),
    shape: 'socket',
    status: [101],
    errors: [{ status: 400, error: '', when: 'the request does not ask for a WebSocket' }],
    events,
    frames,
    nodes: 2,
    surfaces: { cli: NO_CLI, client: true, ws: ITSELF, mcp: NO_MCP },
  }),
  direct: capability({
    name: 'websocket.direct',
    summary: 'A socket that also gets every direct message',
    method: 'GET',
    path: '/ws/direct',
    auth: 'query',
    body: 'none',
    input: z.object({}),
    output: z.undefined(),
    shape: 'socket',
    status: [101],
    errors: [{ status: 400, error: '', when: 'the request does not ask for a WebSocket' }],
    events: { ...events, direct_message: directMessage.extend({ type: z.literal('direct_message') }) },
    frames,
    nodes: 2,
    surfaces: { cli: NO_CLI, client: true, ws: ITSELF, mcp: NO_MCP },
  }),
  sessions: capability({
    name: 'websocket.sessions',
    summary: 'The open sockets and what they listen to',
    method: 'GET',
    path: '/ws/sessions',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({
      sessions: z.array(z.object({ session_id: z.uuid(), subscribed_topics: z.array(z.string()), receives_direct: z.boolean() })),
      shared_subscriptions: z.record(z.string(), count()),
    }),
    shape: 'object',
    status: [200],
    surfaces: { cli: { command: 'ws sessions' }, client: true, ws: { absent: 'sockets carry messages only' }, mcp: 'more' },
  }),
};
