import type { Requirement } from '@muster/lab';

/** ms in which a node may not have written yet what it has just delivered: many together cost one write */
export const WRITTEN_MS = 1_000;

export const required = {
  contacts: { id: 'durability.contacts', text: 'Contacts with level and label are there after the daemon was killed or restarted.' },
  trust: { id: 'durability.trust', text: 'Trust decisions are the same after the daemon was killed or restarted.' },
  pins: { id: 'durability.pins', text: 'Machines and pins of a contact are there after the daemon was killed or restarted.' },
  revocations: { id: 'durability.revocations', text: 'A revocation is there, with its reason, after the daemon was killed or restarted.' },
  identity: { id: 'durability.identity', text: 'Agent id, machine id, keys and API token are the same after the daemon was killed or restarted.' },
  received: {
    id: 'durability.received-messages',
    text: 'A direct message that was acknowledged stands in the inbox once, whenever the recipient was killed.',
  },
  pending: {
    id: 'durability.pending-messages',
    text: 'A direct message that was pending when its sender was killed is delivered exactly once after the restart.',
  },
  logicalIds: {
    id: 'durability.logical-ids',
    text: 'A logical id used before a daemon was killed still names the same one message afterwards, at the sender and at the recipient.',
  },
  replays: {
    id: 'durability.replays',
    text: `What was delivered ${WRITTEN_MS / 1_000} s or more before a daemon was killed is not delivered again when it is repeated afterwards.`,
  },
  register: {
    id: 'durability.register',
    text: 'However many clients set and read the trust level of a contact at once, and whenever the daemon is killed, one order of what they did explains every answer.',
  },
  pages: { id: 'durability.inbox-pages', text: 'An inbox that is read page by page is read whole, each message once.' },
} as const satisfies Record<string, Requirement>;
