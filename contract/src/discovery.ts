/** Agents that this daemon has heard of from themselves: where they are, on which machine, and whose they say to be. */
import { z } from 'zod';
import { capability, type CliArgument } from './capability.ts';
import { agentId, hex64, seconds, userId } from './fields.ts';
import { discoveredMachine } from './machines.ts';

const NO_SOCKET = { absent: 'sockets carry messages only' };
const AGENT: CliArgument = { field: 'agent_id', label: 'AGENT_ID' };

export const discoveredAgent = z.object({
  agent_id: hex64(),
  machine_id: hex64(),
  /** null when the agent has not disclosed it */
  user_id: hex64().nullable(),
  /** `host:port`, the latest first; those of this host and the LAN are known here only */
  addresses: z.array(z.string()),
  announced_at: seconds(),
  last_seen: seconds(),
});

export const discovery = {
  agents: capability({
    name: 'discovery.agents',
    summary: 'Agents that were heard of lately (identity_ttl_secs, 900 s unless configured)',
    method: 'GET',
    path: '/agents/discovered',
    auth: 'bearer',
    body: 'none',
    input: z.object({ unfiltered: z.boolean().default(false).describe('also those that have been silent for longer') }),
    output: z.object({ agents: z.array(discoveredAgent) }),
    shape: 'object',
    status: [200],
    volatile: ['agents.announced_at', 'agents.last_seen'],
    nodes: 2,
    surfaces: { cli: { command: 'agents list' }, client: true, ws: NO_SOCKET, mcp: 'core' },
  }),
  agent: capability({
    name: 'discovery.agent',
    summary: 'What is known of one agent',
    method: 'GET',
    path: '/agents/discovered/:agent_id',
    auth: 'bearer',
    body: 'none',
    input: z.object({
      agent_id: agentId(),
      wait: z.boolean().default(false).describe('look for the agent in the network, and wait up to 10 s for it to be heard of'),
    }),
    output: z.object({ agent: discoveredAgent }),
    shape: 'object',
    status: [200],
    errors: [
      { status: 404, error: 'agent not found', when: 'the agent was never heard of' },
      { status: 404, error: 'agent not found within timeout', when: 'the agent was not heard of while waiting' },
    ],
    volatile: ['agent.announced_at', 'agent.last_seen'],
    nodes: 2,
    surfaces: { cli: { command: 'agents get', arguments: [AGENT] }, client: true, ws: NO_SOCKET, mcp: 'core' },
    example: { input: { agent_id: '$peer.agent_id' } },
  }),
  agentMachine: capability({
    name: 'discovery.agentMachine',
    summary: 'The machine that an agent runs on',
    method: 'GET',
    path: '/agents/:agent_id/machine',
    auth: 'bearer',
    body: 'none',
    input: z.object({ agent_id: agentId() }),
    output: z.object({ agent_id: hex64(), machine: discoveredMachine }),
    shape: 'object',
    status: [200],
    errors: [{ status: 404, error: 'agent machine not found', when: 'the agent was never heard of' }],
    volatile: ['machine.announced_at', 'machine.last_seen'],
    nodes: 2,
    surfaces: { cli: { command: 'agents machine', arguments: [AGENT] }, client: true, ws: NO_SOCKET, mcp: 'more' },
    example: { input: { agent_id: '$peer.agent_id' } },
  }),
  find: capability({
    name: 'discovery.find',
    summary: 'Find an agent: in the cache, by asking it on its shard, by asking the keepers of its rendezvous record',
    method: 'POST',
    path: '/agents/find/:agent_id',
    auth: 'bearer',
    body: 'none',
    input: z.object({ agent_id: agentId() }),
    output: z.object({
      found: z.boolean(),
      /** may be empty: an agent without a public address is reached through the network */
      addresses: z.array(z.string()).optional().describe('when found'),
      /** in order; when found, the last one had it */
      tried: z.array(z.enum(['cache', 'shard', 'rendezvous'])),
    }),
    shape: 'object',
    status: [200],
    errors: [{ status: 503, error: 'too many searches at once', when: 'this daemon looks for 64 agents already' }],
    volatile: ['tried', 'addresses'],
    nodes: 2,
    surfaces: { cli: { command: 'agents find', arguments: [AGENT] }, client: true, ws: NO_SOCKET, mcp: 'core' },
    example: { input: { agent_id: '$peer.agent_id' } },
  }),
  reachability: capability({
    name: 'discovery.reachability',
    summary: 'Whether an agent can be dialled, as far as is known',
    method: 'GET',
    path: '/agents/reachability/:agent_id',
    auth: 'bearer',
    body: 'none',
    input: z.object({ agent_id: agentId() }),
    output: z.object({
      /** it is linked, or its addresses are known */
      likely_direct: z.boolean(),
      needs_coordination: z.boolean(),
      is_relay: z.boolean().nullable(),
      is_coordinator: z.boolean().nullable(),
      addresses: z.array(z.string()),
    }),
    shape: 'object',
    status: [200],
    errors: [{ status: 404, error: 'agent not in discovery cache', when: 'the agent was never heard of' }],
    nodes: 2,
    surfaces: { cli: { command: 'agents reachability', arguments: [AGENT] }, client: true, ws: NO_SOCKET, mcp: 'more' },
    example: { input: { agent_id: '$peer.agent_id' } },
  }),
  agentsByUser: capability({
    name: 'discovery.agentsByUser',
    summary: 'Agents that disclosed to belong to a user, and announced themselves lately',
    method: 'GET',
    path: '/users/:user_id/agents',
    auth: 'bearer',
    body: 'none',
    input: z.object({ user_id: userId() }),
    output: z.object({ user_id: hex64(), agents: z.array(discoveredAgent) }),
    shape: 'object',
    status: [200],
    volatile: ['agents.announced_at', 'agents.last_seen'],
    nodes: 2,
    surfaces: {
      cli: { command: 'agents by-user', arguments: [{ field: 'user_id', label: 'USER_ID' }] },
      client: true,
      ws: NO_SOCKET,
      mcp: 'more',
    },
  }),
};
