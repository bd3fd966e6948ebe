import type { TRUST_VERDICTS } from '@muster/contract';
import { camelCase } from '@muster/protocol';
import type { AgentId, MachineId } from '@muster/protocol';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { HandlersOf } from '../families.ts';

export function trustHandlers(contacts: ContactStore): HandlersOf<'trust'> {
  return {
    'trust.evaluate': (input) => ({
      decision: camelCase(contacts.evaluate(input.agent_id as AgentId, input.machine_id as MachineId)) as (typeof TRUST_VERDICTS)[number],
    }),
  };
}
