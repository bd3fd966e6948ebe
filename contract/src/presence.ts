/** Who is online, as far as signed beacons tell. */
import { z } from 'zod';
import { capability, type CliArgument } from './capability.ts';
import { discoveredAgent } from './discovery.ts';
import { agentId, hex64 } from './fields.ts';

const NO_SOCKET = { absent: 'sockets carry messages only' };
const ID: CliArgument = { field: 'id', label: 'AGENT_ID' };
const wantedAgent = () => agentId('invalid agent id (expected 64 hex chars)');

const WALK_DEFAULTS = { ttl: 3, timeoutMs: 5_000 };
const ttl = () => z.int().min(0).default(WALK_DEFAULTS.ttl).describe('steps from friend to friend, 5 at most; 0 asks nobody');
const timeout = () => z.int().min(0).default(WALK_DEFAULTS.timeoutMs).describe('how long to wait for answers, within 100 to 30000 ms');

const volatile = (path: string): string[] => [`${path}.addresses`, `${path}.announced_at`, `${path}.last_seen`];

export const presence = {
  agents: capability({
    name: 'presence.agents',
    summary: 'The ids of agents that are online',
    method: 'GET',
    path: '/presence',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({ agents: z.array(hex64()) }),
    shape: 'object',
    status: [200],
    nodes: 2,
    surfaces: { cli: { command: 'presence' }, client: true, ws: NO_SOCKET, mcp: 'core' },
  }),
  online: capability({
    name: 'presence.online',
    summary: 'The agents that are online, with their machines and addresses; blocked ones are left out',
    method: 'GET',
    path: '/presence/online',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.object({ agents: z.array(discoveredAgent) }),
    shape: 'object',
    status: [200],
    volatile: volatile('agents'),
    nodes: 2,
    surfaces: { cli: { command: 'presence online' }, client: true, ws: NO_SOCKET, mcp: 'core' },
  }),
  foaf: capability({
    name: 'presence.foaf',
    summary: 'Ask from friend to friend who is online; only known and trusted agents are told',
    method: 'GET',
    path: '/presence/foaf',
    auth: 'bearer',
    body: 'none',
    input: z.object({ ttl: ttl(), timeout_ms: timeout() }),
    output: z.object({ agents: z.array(discoveredAgent) }),
    shape: 'object',
    status: [200],
    volatile: volatile('agents'),
    nodes: 2,
    surfaces: { cli: { command: 'presence foaf' }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
  find: capability({
    name: 'presence.find',
    summary: 'Find an agent that is online: here, else from friend to friend',
    method: 'GET',
    path: '/presence/find/:id',
    auth: 'bearer',
    body: 'none',
    input: z.object({ id: wantedAgent(), ttl: ttl(), timeout_ms: timeout() }),
    output: z.object({ agent: discoveredAgent.nullable() }),
    shape: 'object',
    status: [200],
    volatile: volatile('agent'),
    example: { input: { id: '$peer.agent_id' } },
    nodes: 2,
    surfaces: { cli: { command: 'presence find', arguments: [ID] }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
  status: capability({
    name: 'presence.status',
    summary: 'Whether an agent is online, as far as is known here: nobody is asked',
    method: 'GET',
    path: '/presence/status/:id',
    auth: 'bearer',
    body: 'none',
    input: z.object({ id: wantedAgent() }),
    output: z.object({ online: z.boolean(), agent: discoveredAgent.nullable().describe('also of one that went offline, while it is remembered') }),
    shape: 'object',
    status: [200],
    volatile: volatile('agent'),
    example: { input: { id: '$peer.agent_id' } },
    nodes: 2,
    surfaces: { cli: { command: 'presence status', arguments: [ID] }, client: true, ws: NO_SOCKET, mcp: 'core' },
  }),
  events: capability({
    name: 'presence.events',
    summary: 'Stream who comes online and goes offline, those that are online first',
    method: 'GET',
    path: '/presence/events',
    auth: 'bearer',
    body: 'none',
    input: z.object({}),
    output: z.undefined(),
    shape: 'stream',
    status: [200],
    keepAliveMs: 15_000,
    events: {
      presence: z.discriminatedUnion('event', [
        /** `reachable`: an address of it is known */
        z.object({ event: z.literal('online'), agent_id: hex64(), reachable: z.boolean() }),
        z.object({ event: z.literal('offline'), agent_id: hex64() }),
      ]),
    },
    nodes: 2,
    surfaces: { cli: { command: 'presence events' }, client: true, ws: NO_SOCKET, mcp: { absent: 'a tool call returns once; it cannot stream' } },
  }),
};
