import type { OutputOf, Registry } from '@muster/contract';
import type { MachineId } from '@muster/protocol';
import type { DiscoveredAgent } from '../discovery/discovered-agents.ts';
import type { LinkManager } from '../links/link-manager.ts';

type Machine = OutputOf<Registry['machines.get']>['machine'];

/** The machines of these agents, each with what its agents say of it. */
export function machinesOf(agents: readonly DiscoveredAgent[], links: LinkManager): Machine[] {
  return [...Map.groupBy(agents, ({ machine }) => machine)].map(([machine, own]) => ({
    machine_id: machine,
    addresses: unique(own.toSorted((a, b) => b.announcedAt - a.announcedAt).flatMap(({ addresses }) => addresses)),
    announced_at: Math.max(...own.map(({ announcedAt }) => announcedAt)),
    last_seen: Math.max(...own.map(({ lastSeen }) => lastSeen)),
    nat_type: null,
    can_receive_direct: dialled(machine, links) ? true : null,
    is_relay: null,
    is_coordinator: null,
    agent_ids: own.map(({ agent }) => agent),
    user_ids: unique(own.flatMap(({ user }) => user ?? [])),
  }));
}

/** There is a link that was dialled from here: it does take connections. */
function dialled(machine: MachineId, links: LinkManager): boolean {
  const link = links.toMachine(machine);
  return link !== undefined && link.dialler !== machine;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
