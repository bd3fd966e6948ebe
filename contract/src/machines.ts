/** Machines of the agents that this daemon has heard of. */
import { z } from 'zod';
import { capability } from './capability.ts';
import { hex64, machineId, seconds, userId } from './fields.ts';

const NO_SOCKET = { absent: 'sockets carry messages only' };

/** What its agents said of it, put together. `null`: not known. */
export const discoveredMachine = z.object({
  machine_id: hex64(),
  addresses: z.array(z.string()),
  announced_at: seconds(),
  last_seen: seconds(),
  nat_type: z.string().nullable(),
  /** true while there is a link that this daemon dialled */
  can_receive_direct: z.boolean().nullable(),
  is_relay: z.boolean().nullable(),
  is_coordinator: z.boolean().nullable(),
  agent_ids: z.array(hex64()),
  user_ids: z.array(hex64()),
});

export const machines = {
  discovered: capability({
    name: 'machines.discovered',
    summary: 'Machines whose agents were heard of lately',
    method: 'GET',
    path: '/machines/discovered',
    auth: 'bearer',
    body: 'none',
    input: z.object({ unfiltered: z.boolean().default(false).describe('also those that have been silent for longer') }),
    output: z.object({ machines: z.array(discoveredMachine) }),
    shape: 'object',
    status: [200],
    volatile: ['machines.announced_at', 'machines.last_seen'],
    nodes: 2,
    surfaces: { cli: { command: 'machines discovered' }, client: true, ws: NO_SOCKET, mcp: 'more' },
  }),
  get: capability({
    name: 'machines.get',
    summary: 'What is known of one machine',
    method: 'GET',
    path: '/machines/discovered/:machine_id',
    auth: 'bearer',
    body: 'none',
    input: z.object({ machine_id: machineId(), wait: z.boolean().default(false).describe('wait up to 10 s for the machine to be heard of') }),
    output: z.object({ machine: discoveredMachine }),
    shape: 'object',
    status: [200],
    errors: [
      { status: 404, error: 'machine not found', when: 'the machine was never heard of' },
      { status: 404, error: 'machine not found within timeout', when: 'the machine was not heard of while waiting' },
    ],
    volatile: ['machine.announced_at', 'machine.last_seen'],
    nodes: 2,
    surfaces: {
      cli: { command: 'machines get', arguments: [{ field: 'machine_id', label: 'MACHINE_ID' }] },
      client: true,
      ws: NO_SOCKET,
      mcp: 'more',
    },
    example: { input: { machine_id: '$peer.machine_id' } },
  }),
  byUser: capability({
    name: 'machines.byUser',
    summary: 'Machines of the agents that disclosed to belong to a user, and announced themselves in the last 900 s',
    method: 'GET',
    path: '/users/:user_id/machines',
    auth: 'bearer',
    body: 'none',
    input: z.object({ user_id: userId() }),
    output: z.object({ user_id: hex64(), machines: z.array(discoveredMachine) }),
    shape: 'object',
    status: [200],
    volatile: ['machines.announced_at', 'machines.last_seen'],
    nodes: 2,
    surfaces: {
      cli: { command: 'machines by-user', arguments: [{ field: 'user_id', label: 'USER_ID' }] },
      client: true,
      ws: NO_SOCKET,
      mcp: 'more',
    },
  }),
};
