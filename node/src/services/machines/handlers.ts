import { CapabilityError } from '@muster/contract';
import type { MachineId, UserId } from '@muster/protocol';
import type { DiscoveredAgents } from '../discovery/discovered-agents.ts';
import { WAIT_MS } from '../discovery/handlers.ts';
import type { HandlersOf } from '../families.ts';
import type { LinkManager } from '../links/link-manager.ts';
import { machinesOf } from './machines-of.ts';

export function machineHandlers(discovered: DiscoveredAgents, links: LinkManager): HandlersOf<'machines'> {
  return {
    'machines.discovered': (input) => ({ machines: machinesOf(input.unfiltered ? discovered.all() : discovered.recent(), links) }),
    'machines.get': async (input, { signal }) => {
      const id = input.machine_id as MachineId;
      const look = () => machinesOf(discovered.onMachine(id), links)[0];
      const machine = look();
      if (machine) return { machine };
      if (!input.wait) throw new CapabilityError(404, 'machine not found');
      await discovered.heard((peer) => peer.machine === id, signal, WAIT_MS);
      const appeared = look();
      if (!appeared) throw new CapabilityError(404, 'machine not found within timeout');
      return { machine: appeared };
    },
    'machines.byUser': (input) => ({ user_id: input.user_id, machines: machinesOf(discovered.ofUser(input.user_id as UserId), links) }),
  };
}
