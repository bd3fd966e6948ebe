import { CapabilityError } from '@muster/contract';
import type { AgentId, UserId } from '@muster/protocol';
import type { HandlersOf } from '../families.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import type { LinkManager } from '../links/link-manager.ts';
import { machinesOf } from '../machines/machines-of.ts';
import type { DiscoveredAgent, DiscoveredAgents } from './discovered-agents.ts';
import type { Finder } from './finder.ts';

/** of a call that waits until an agent or a machine is heard of */
export const WAIT_MS = 10_000;

export interface DiscoveryParts {
  readonly identity: LocalIdentity;
  readonly discovered: DiscoveredAgents;
  readonly finder: Finder;
  readonly links: LinkManager;
  /** `host:port` of this node, those of its own networks included */
  readonly addresses: () => readonly string[];
}

export function discoveryHandlers({ identity, discovered, finder, links, addresses: own }: DiscoveryParts): HandlersOf<'discovery'> {
  const known = (agent: AgentId, otherwise: string): DiscoveredAgent => {
    const found = discovered.get(agent);
    if (!found) throw new CapabilityError(404, otherwise);
    return found;
  };
  return {
    'discovery.agents': (input) => ({ agents: (input.unfiltered ? discovered.all() : discovered.recent()).map(shown) }),
    'discovery.agent': async (input, { signal }) => {
      const agent = input.agent_id as AgentId;
      if (!input.wait || discovered.get(agent)) return { agent: shown(known(agent, 'agent not found')) };
      const heard = discovered.heard((peer) => peer.agent === agent, signal, WAIT_MS);
      await Promise.all([heard, finder.find(agent)]);
      return { agent: shown(known(agent, 'agent not found within timeout')) };
    },
    'discovery.agentMachine': (input) => {
      const { agent, machine } = known(input.agent_id as AgentId, 'agent machine not found');
      return { agent_id: agent, machine: machinesOf(discovered.onMachine(machine), links)[0]! };
    },
    'discovery.find': async (input) => {
      if (input.agent_id === identity.agentId) return { found: true, addresses: [...own()], tried: ['cache' as const] };
      const { tried, agent } = await finder.find(input.agent_id as AgentId);
      return agent ? { found: true, addresses: [...agent.addresses], tried: [...tried] } : { found: false, tried: [...tried] };
    },
    'discovery.reachability': (input) => {
      const { agent, addresses } = known(input.agent_id as AgentId, 'agent not in discovery cache');
      const direct = links.toAgent(agent) !== undefined || addresses.length > 0;
      return { likely_direct: direct, needs_coordination: !direct, is_relay: null, is_coordinator: null, addresses: [...addresses] };
    },
    'discovery.agentsByUser': (input) => ({ user_id: input.user_id, agents: discovered.ofUser(input.user_id as UserId).map(shown) }),
  };
}

function shown({ agent, machine, user, addresses, announcedAt, lastSeen }: DiscoveredAgent) {
  return {
    agent_id: agent,
    machine_id: machine,
    user_id: user,
    addresses: [...addresses],
    announced_at: announcedAt,
    last_seen: lastSeen,
  };
}
