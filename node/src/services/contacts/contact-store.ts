/** Contacts, their machines and revocations: durable before any call returns. Every question is answered from the store, or as it stood there when nothing was written since. */
import { addMachine, evaluateTrust, removeMachine, seen } from '@muster/protocol';
import type { AgentId, Contact, MachineId, Revocation, Standing, TrustDecision } from '@muster/protocol';
import { CapabilityError } from '@muster/contract';
import { StoreError } from '../../ports/index.ts';
import type { Clock, Durability, Store, Write } from '../../ports/index.ts';
import { fromRecord, toRecord } from '../json-record.ts';

const CONTACT = 'contact/';
const REVOCATION = 'revocation/';
/** marks contacts that nobody here asked for: agents that were heard of */
const DISCOVERED = 'discovered/';
/** anyone can make agents that announce themselves: beyond this many, those unheard of for longest are forgotten */
const MAX_DISCOVERED = 4_096;
const FORGET_STEP = 512;
/** machines that an agent claims for itself; what a person added, labelled or pinned is kept beyond */
const MAX_CLAIMED_MACHINES = 16;
const MAX_STANDINGS = 64;

export class ContactStore {
  readonly #store: Store;
  readonly #clock: Clock;
  /** as read lately: one message asks for its sender's several times */
  readonly #standings = new Map<AgentId, Standing>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Unix seconds */
  now(): number {
    return Math.floor(this.#clock.now() / 1_000);
  }

  standing(agent: AgentId): Standing {
    let standing = this.#standings.get(agent);
    if (!standing) {
      if (this.#standings.size >= MAX_STANDINGS) this.#standings.clear();
      this.#standings.set(agent, (standing = this.#read(agent)));
    }
    return standing;
  }

  #read(agent: AgentId): Standing {
    const contact = this.#store.get(CONTACT + agent);
    const revocation = this.#store.get(REVOCATION + agent);
    return {
      agent,
      ...(contact && { contact: fromRecord<Contact>(contact) }),
      ...(revocation && { revocation: fromRecord<Revocation>(revocation) }),
    };
  }

  /** Stores what `change` makes of the agent's standing. Durable also where that was so already: it may have been learnt a moment ago. */
  update(agent: AgentId, change: (standing: Standing, now: number) => Standing): Standing {
    const before = this.standing(agent);
    const after = change(before, this.now());
    const writes: Write[] = [];
    if (this.#store.get(DISCOVERED + agent)) writes.push({ key: DISCOVERED + agent, value: null });
    if (after.contact !== before.contact) writes.push({ key: CONTACT + agent, value: after.contact ? toRecord(after.contact) : null });
    if (after.revocation && after.revocation !== before.revocation) writes.push({ key: REVOCATION + agent, value: toRecord(after.revocation) });
    this.#commit(writes);
    return after;
  }

  /** The agent spoke, from this machine as it says. Noted, not promised: it may be heard again. */
  heardOf(agent: AgentId, machine: MachineId): void {
    const before = this.standing(agent);
    const after = withFewMachines(addMachine(seen(before, this.now()), machine, this.now()));
    const writes: Write[] = [{ key: CONTACT + agent, value: toRecord(after.contact) }];
    if (!before.contact) {
      this.#makeRoom();
      writes.push({ key: DISCOVERED + agent, value: new Uint8Array() });
    }
    this.#commit(writes, 'relaxed');
  }

  /** A contact by a person's decision, not only by having been heard of. */
  chosen(agent: AgentId): boolean {
    return this.#store.get(CONTACT + agent) !== undefined && this.#store.get(DISCOVERED + agent) === undefined;
  }

  contacts(): Contact[] {
    return this.#store.range({ prefix: CONTACT }).map(({ value }) => fromRecord<Contact>(value));
  }

  revocations(): (Revocation & { readonly agent: AgentId })[] {
    return this.#store
      .range({ prefix: REVOCATION })
      .map(({ key, value }) => ({ ...fromRecord<Revocation>(value), agent: key.slice(REVOCATION.length) as AgentId }));
  }

  evaluate(agent: AgentId, machine: MachineId | undefined): TrustDecision {
    return evaluateTrust(this.standing(agent), machine);
  }

  /** Nothing is taken from this agent, or not from this machine. */
  rejects(agent: AgentId, machine: MachineId): boolean {
    const decision = this.evaluate(agent, machine);
    return decision === 'reject_blocked' || decision === 'reject_machine_mismatch';
  }

  blocked(agent: AgentId): boolean {
    const { contact, revocation } = this.standing(agent);
    return revocation !== undefined || contact?.trust === 'blocked';
  }

  #makeRoom(): void {
    if (this.#store.count(DISCOVERED) < MAX_DISCOVERED) return;
    const lastSeen = (agent: AgentId): number => this.standing(agent).contact?.lastSeen ?? 0;
    const oldest = this.#store
      .range({ prefix: DISCOVERED })
      .map(({ key }) => key.slice(DISCOVERED.length) as AgentId)
      .map((agent) => ({ agent, at: lastSeen(agent) }))
      .toSorted((a, b) => a.at - b.at)
      .slice(0, FORGET_STEP);
    const writes = oldest.flatMap(({ agent }) => [DISCOVERED + agent, CONTACT + agent].map((key): Write => ({ key, value: null })));
    this.#commit(writes, 'relaxed');
  }

  #commit(writes: readonly Write[], durability: Durability = 'durable'): void {
    this.#standings.clear();
    try {
      this.#store.batch(writes, durability);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      throw new CapabilityError(503, `storage unavailable: ${error.message}`);
    }
  }
}

/** Of the machines that nobody here cares about, those seen last. */
function withFewMachines(standing: Standing): Standing {
  const claimed = (standing.contact?.machines ?? []).filter(({ pinned, label }) => !pinned && label === null);
  const surplus = claimed.toSorted((a, b) => b.lastSeen - a.lastSeen).slice(MAX_CLAIMED_MACHINES);
  return surplus.reduce((kept, { machine }) => removeMachine(kept, machine), standing);
}
