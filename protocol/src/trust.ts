/**
 * Whom a node believes. Pure: every transition takes a standing and gives the next one.
 *
 * A revocation is kept beside the contact, not in it: it outlives the contact's removal and nothing lifts it.
 */
import type { AgentId, MachineId } from './ids.ts';

export const TRUST_LEVELS = ['blocked', 'unknown', 'known', 'trusted'] as const;
/** ascending */
export type TrustLevel = (typeof TRUST_LEVELS)[number];

export const IDENTITY_TYPES = ['anonymous', 'known', 'trusted', 'pinned'] as const;
export type IdentityType = (typeof IDENTITY_TYPES)[number];

export const TRUST_DECISIONS = ['accept', 'accept_with_flag', 'reject_machine_mismatch', 'reject_blocked', 'unknown'] as const;
export type TrustDecision = (typeof TRUST_DECISIONS)[number];

export interface MachineRecord {
  readonly machine: MachineId;
  readonly label: string | null;
  /** seconds since the epoch */
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly pinned: boolean;
}

export interface Contact {
  readonly agent: AgentId;
  readonly trust: TrustLevel;
  readonly identity: IdentityType;
  readonly label: string | null;
  /** seconds since the epoch */
  readonly addedAt: number;
  readonly lastSeen: number | null;
  readonly machines: readonly MachineRecord[];
}

export interface Revocation {
  readonly reason: string;
  /** seconds since the epoch */
  readonly timestamp: number;
  readonly revoker: AgentId | null;
}

/** What is known here about one agent. */
export interface Standing {
  readonly agent: AgentId;
  readonly contact?: Contact;
  readonly revocation?: Revocation;
}

/** `Trusted`, `AcceptWithFlag`: the form of some answers of the compatible API. */
export function camelCase(name: TrustLevel | TrustDecision): string {
  return name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** In any letter case; undefined for another text. */
export function parseTrustLevel(text: string): TrustLevel | undefined {
  return TRUST_LEVELS.find((level) => level === text.toLowerCase());
}

export function parseIdentityType(text: string): IdentityType | undefined {
  return IDENTITY_TYPES.find((type) => type === text.toLowerCase());
}

/** First match wins: not a contact, blocked, pinned, then by level. A machine that is not known matches no pin. */
export function evaluateTrust({ contact, revocation }: Standing, machine: MachineId | undefined): TrustDecision {
  if (revocation) return 'reject_blocked';
  if (!contact) return 'unknown';
  if (contact.trust === 'blocked') return 'reject_blocked';
  if (contact.identity === 'pinned') {
    const matches = contact.machines.some((record) => record.pinned && record.machine === machine);
    return matches ? 'accept' : 'reject_machine_mismatch';
  }
  if (contact.trust === 'trusted') return 'accept';
  return contact.trust === 'known' ? 'accept_with_flag' : 'unknown';
}

/** The contact, or a new one at `unknown` when there is none. `now` in seconds since the epoch. */
function contactOf({ agent, contact }: Standing, now: number): Contact {
  return contact ?? { agent, trust: 'unknown', identity: 'anonymous', label: null, addedAt: now, lastSeen: null, machines: [] };
}

/** Every change of a contact ends here, so that none lifts a revocation. */
function withContact(standing: Standing, contact: Contact): Standing {
  return { ...standing, contact: standing.revocation ? { ...contact, trust: 'blocked' } : contact };
}

/** Adds the contact when needed. Raising an anonymous identity's trust makes it known. */
export function setTrust(standing: Standing, trust: TrustLevel, now: number): Standing {
  const contact = contactOf(standing, now);
  const raised = TRUST_LEVELS.indexOf(trust) > TRUST_LEVELS.indexOf(contact.trust);
  const identity = raised && contact.identity === 'anonymous' ? 'known' : contact.identity;
  return withContact(standing, { ...contact, trust, identity });
}

export function setIdentityType(standing: Standing, identity: IdentityType, now: number): Standing {
  return withContact(standing, { ...contactOf(standing, now), identity });
}

export function setLabel(standing: Standing, label: string | null, now: number): Standing {
  return withContact(standing, { ...contactOf(standing, now), label });
}

/** Notes that the agent was heard of; an agent heard of for the first time becomes an `unknown` contact. */
export function seen(standing: Standing, now: number): Standing {
  return withContact(standing, { ...contactOf(standing, now), lastSeen: now });
}

/** Adds the machine, or notes that it was seen again; a label replaces the former one. Pins stay as they are. */
export function addMachine(standing: Standing, machine: MachineId, now: number, label?: string | null): Standing {
  const contact = contactOf(standing, now);
  const known = contact.machines.find((record) => record.machine === machine);
  const record = known
    ? { ...known, lastSeen: now, label: label === undefined ? known.label : label }
    : { machine, label: label ?? null, firstSeen: now, lastSeen: now, pinned: false };
  const machines = known ? contact.machines.map((other) => (other === known ? record : other)) : [...contact.machines, record];
  return withContact(standing, { ...contact, machines });
}

/** The same standing when the machine is not recorded. Removing the last pinned machine unpins. */
export function removeMachine(standing: Standing, machine: MachineId): Standing {
  const unpinned = unpin(standing, machine);
  if (!hasMachine(standing, machine) || !unpinned.contact) return standing;
  const machines = unpinned.contact.machines.filter((record) => record.machine !== machine);
  return withContact(standing, { ...unpinned.contact, machines });
}

/** Several machines may be pinned. The same standing when the machine is not recorded. */
export function pin(standing: Standing, machine: MachineId): Standing {
  return setPinned(standing, machine, true);
}

/** Unpinning the last one makes the identity `known`. The same standing when the machine is not recorded or not pinned. */
export function unpin(standing: Standing, machine: MachineId): Standing {
  return isPinned(standing, machine) ? setPinned(standing, machine, false) : standing;
}

function setPinned(standing: Standing, machine: MachineId, pinned: boolean): Standing {
  const { contact } = standing;
  if (!contact || !hasMachine(standing, machine)) return standing;
  const machines = contact.machines.map((record) => (record.machine === machine ? { ...record, pinned } : record));
  const identity = machines.some((record) => record.pinned) ? 'pinned' : 'known';
  return withContact(standing, { ...contact, identity, machines });
}

export function hasMachine({ contact }: Standing, machine: MachineId): boolean {
  return contact !== undefined && contact.machines.some((record) => record.machine === machine);
}

export function isPinned({ contact }: Standing, machine: MachineId): boolean {
  return contact !== undefined && contact.machines.some((record) => record.machine === machine && record.pinned);
}

/** For good: the agent is blocked, whatever follows. The first revocation is the one that is kept. */
export function revoke(standing: Standing, revocation: Revocation, now: number): Standing {
  return withContact({ ...standing, revocation: standing.revocation ?? revocation }, contactOf(standing, now));
}

/** Forgets the contact, never its revocation. */
export function removeContact({ agent, revocation }: Standing): Standing {
  return { agent, ...(revocation && { revocation }) };
}
