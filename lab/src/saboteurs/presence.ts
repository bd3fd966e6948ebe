/** Bugs in what a node tells of presence. */
import type { Saboteur } from './saboteur.ts';

const onlineForEver: Saboteur = {
  name: 'online-for-ever',
  plants: 'reports an agent online for ever once it was',
  node: 'alice',
  caughtBy: 'presence/line/down-seen',
  handlers: (handlers) => {
    const seen = new Map<string, object>();
    return {
      'presence.status': async (input, context) => {
        const answer = (await handlers['presence.status'](input, context)) as { online: boolean; agent: { agent_id: string } | null };
        if (answer.online && answer.agent) seen.set(input.id, answer.agent);
        return { ...answer, online: answer.online || seen.has(input.id) } as never;
      },
      'presence.agents': async (input, context) => {
        const { agents } = (await handlers['presence.agents'](input, context)) as { agents: string[] };
        return { agents: [...new Set([...seen.keys(), ...agents])] };
      },
    };
  },
};

export const presenceSaboteurs: readonly Saboteur[] = [onlineForEver];
