/** Agents that this daemon has heard of from themselves: where they are, on which machine, and whose they say to be. */
import { z } from 'zod';
import { capability, type CliArgument } from './capability.ts';
import { agentId, hex64, seconds, userId } from './fields.ts';
import { discoveredMachine } from './machines.ts';

const NO_SOCKET = { absent: 'sockets carry messages only' };
const AGENT: CliArgument = { field: 'agent_id', label: 'AGENT_ID' };

const discoveredAgent = z.object({
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
    summary: 'Agents that were heard of in the last 900 s',
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
    input: z.object({ agent_id: agentId(), wait: z.boolean().default(false).describe('wait up to 10 s for the agent to be heard of') }),
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
  }),
  find: capability({
    name: 'discovery.find',
    summary: 'Find the addresses of an agent',
    method: 'POST',
    path: '/agents/find/:agent_id',
    auth: 'bearer',
    body: 'none',
    input: z.object({ agent_id: agentId() }),
    output: z.object({ found: z.boolean(), addresses: z.array(z.string()).optional().describe('when found') }),
    shape: 'object',
    status: [200],
    nodes: 2,
    surfaces: { cli: { command: 'agents find', arguments: [AGENT] }, client: true, ws: NO_SOCKET, mcp: 'core' },
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
  }),
  agentsByUser: capability({
    name: 'discovery.agentsByUser',
    summary: 'Agents that disclosed to belong to a user, and announced themselves in the last 900 s',
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
