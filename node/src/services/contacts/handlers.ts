import { CapabilityError } from '@muster/contract';
import {
  addMachine,
  hasMachine,
  isPinned,
  pin,
  removeContact,
  removeMachine,
  revoke,
  setIdentityType,
  setLabel,
  setTrust,
  unpin,
} from '@muster/protocol';
import type { AgentId, Contact, MachineId, MachineRecord } from '@muster/protocol';
import type { HandlersOf } from '../families.ts';
import { Reply } from '../../ports/handlers.ts';
import type { ContactStore } from './contact-store.ts';

export function contactHandlers(contacts: ContactStore, self: AgentId): HandlersOf<'contacts'> {
  return {
    'contacts.list': () => ({ contacts: contacts.contacts().map(shown) }),
    'contacts.add': (input) => {
      const agent = input.agent_id as AgentId;
      contacts.update(agent, (standing, now) => {
        const trusted = setTrust(standing, input.trust_level, now);
        return input.label === undefined ? trusted : setLabel(trusted, input.label, now);
      });
      return { agent_id: agent };
    },
    'contacts.setTrust': (input) => {
      contacts.update(input.agent_id as AgentId, (standing, now) => setTrust(standing, input.level, now));
      return {};
    },
    'contacts.update': (input) => {
      contacts.update(input.agent_id as AgentId, (standing, now) => {
        const level = input.trust_level ?? standing.contact?.trust ?? 'unknown';
        const trusted = setTrust(standing, level, now);
        return input.identity_type === undefined ? trusted : setIdentityType(trusted, input.identity_type, now);
      });
      return {};
    },
    'contacts.remove': (input) => {
      const agent = input.agent_id as AgentId;
      if (!contacts.standing(agent).contact) throw new CapabilityError(404, 'contact not found');
      contacts.update(agent, removeContact);
      return {};
    },
    'contacts.revoke': (input) => {
      contacts.update(input.agent_id as AgentId, (standing, now) => revoke(standing, { reason: input.reason, timestamp: now, revoker: self }, now));
      return {};
    },
    'contacts.revocations': () => ({
      revocations: contacts
        .revocations()
        .map(({ agent, reason, timestamp, revoker }) => ({ agent_id: agent, reason, timestamp, revoker_id: revoker })),
    }),
    'contacts.machines': (input) => ({ machines: (contacts.standing(input.agent_id as AgentId).contact?.machines ?? []).map(shownMachine) }),
    'contacts.addMachine': (input) => {
      const [agent, machine] = [input.agent_id as AgentId, input.machine_id as MachineId];
      const existed = hasMachine(contacts.standing(agent), machine);
      const { contact } = contacts.update(agent, (standing, now) => {
        const added = addMachine(standing, machine, now, input.label);
        return input.pinned ? pin(added, machine) : added;
      });
      const record = contact!.machines.find((candidate) => candidate.machine === machine)!;
      return Reply.of(existed ? 200 : 201, { machine: shownMachine(record) });
    },
    'contacts.removeMachine': (input) => {
      const [agent, machine] = [input.agent_id as AgentId, input.machine_id as MachineId];
      if (!hasMachine(contacts.standing(agent), machine)) throw new CapabilityError(404, 'machine not found');
      contacts.update(agent, (standing) => removeMachine(standing, machine));
    },
    'contacts.pinMachine': (input) => {
      const [agent, machine] = [input.agent_id as AgentId, input.machine_id as MachineId];
      return {
        pinned: isPinned(
          contacts.update(agent, (standing) => pin(standing, machine)),
          machine,
        ),
      };
    },
    'contacts.unpinMachine': (input) => {
      const [agent, machine] = [input.agent_id as AgentId, input.machine_id as MachineId];
      const before = isPinned(contacts.standing(agent), machine);
      contacts.update(agent, (standing) => unpin(standing, machine));
      return { unpinned: before };
    },
  };
}

function shown(contact: Contact) {
  return { agent_id: contact.agent, trust_level: contact.trust, label: contact.label, added_at: contact.addedAt, last_seen: contact.lastSeen };
}

function shownMachine(record: MachineRecord) {
  return { machine_id: record.machine, label: record.label, first_seen: record.firstSeen, last_seen: record.lastSeen, pinned: record.pinned };
}
