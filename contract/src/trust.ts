/** Whether to listen to an agent on a machine. */
import { z } from 'zod';
import { capability } from './capability.ts';
import { agentId, machineId, TRUST_VERDICTS } from './fields.ts';

export const trust = {
  evaluate: capability({
    name: 'trust.evaluate',
    summary: 'How a message of this agent from this machine would be judged',
    method: 'POST',
    path: '/trust/evaluate',
    auth: 'bearer',
    body: 'json-prefix',
    input: z.object({ agent_id: agentId(), machine_id: machineId('invalid {field} hex') }),
    output: z.object({ decision: z.enum(TRUST_VERDICTS) }),
    shape: 'object',
    status: [200],
    surfaces: {
      cli: {
        command: 'trust evaluate',
        arguments: [
          { field: 'agent_id', label: 'AGENT_ID' },
          { field: 'machine_id', label: 'MACHINE_ID' },
        ],
      },
      client: true,
      ws: { absent: 'sockets carry messages only' },
      mcp: 'core',
    },
  }),
};
