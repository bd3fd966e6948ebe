import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';
import { SEEN_UP_MS, untilSeen } from './looks.ts';

export const commands = exercise(
  { 'presence.commands': 'An agent that is online is so by command as well, with its machine.' },
  {
    id: 'presence/commands',
    title: 'the commands tell who is online',
    needs: { nodes: 2, surfaces: ['cli'], capabilities: ['presence.agents', 'presence.status'] },
    phases: {
      async drive(context) {
        const [alice, bob] = twoOf(context);
        const id = bob.agentId;
        const all = await untilSeen(context, [alice, bob], SEEN_UP_MS);
        const agents = await alice.cli('presence.agents');
        const status = await alice.cli('presence.status', { id });
        const premise = claims.exists({ seq: all.seq, at: '/data/ms' });
        const must = (check: string, what: Parameters<typeof context.claim>[3]): void =>
          context.claim(check, 'presence.commands', 'MUST', what, { premise });
        must('agents', claims.includes(at(agents, '/output/agents'), id));
        must('status', claims.equals(at(status, '/output/agent/machine_id'), bob.machineId));
      },
    },
  },
);
