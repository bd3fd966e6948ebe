/**
 * Walks from friend to friend: who is online, asked of neighbours and passed on by them. What comes back are the beacons themselves, signed by those
 * they speak of. Who asks is told to nobody but the neighbour that is asked.
 *
 * Bounds: 5 steps, 3 neighbours at the first and 2 at each further one, each query once per node, 8 queries at once and 2 a second from one
 * neighbour, 64 answers to one walk. Nobody is asked, answered or told of whose word is not taken here.
 */
import {
  EnvelopeError,
  fromHex,
  inspectEnvelope,
  MAX_BEACON_ENVELOPE_BYTES,
  MAX_PRESENCE_BEACONS,
  MAX_WALK_TTL,
  toHex,
  WALK_ID_BYTES,
} from '@muster/protocol';
import type { AgentId, MachineId, NetworkId, PresenceControl } from '@muster/protocol';
import type { Clock, Crypto, Random } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import type { Link } from '../links/link.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { PresenceService } from '../presence/presence-service.ts';
import { remember } from '../remember.ts';

const FIRST_FANOUT = 3;
const FURTHER_FANOUT = 2;
/** answers that one walk may bring */
const MAX_ANSWERS = 64;
/** walks of others that are on their way through here */
const MAX_RELAYED = 512;
const MAX_RELAYED_OF_PEER = 32;
/** as long as an asker waits at most */
const RELAY_MS = 30_000;
const BURST = 8;
const QUERIES_PER_S = 2;
/** whose queries are counted: whoever asked last has all of its allowance again after four seconds */
const MAX_ASKERS = 1_024;

type Query = Extract<PresenceControl, { kind: 'query' }>;
type Answer = Extract<PresenceControl, { kind: 'answer' }>;

export interface Walk {
  /** steps, cut to 5; 0 asks nobody */
  readonly ttl: number;
  readonly timeoutMs: number;
  /** ends once this agent is found online */
  readonly target?: AgentId;
}

export interface FoafParts {
  readonly identity: LocalIdentity;
  readonly presence: PresenceService;
  readonly links: LinkManager;
  readonly contacts: ContactStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly network: NetworkId;
  readonly counters: Counters;
}

/** A walk that passed here, or began here. */
interface Passing {
  /** where answers go; undefined: they are for us */
  readonly back: MachineId | undefined;
  /** answers that are still due, by the neighbour that they come from, and the link that it was asked over */
  readonly due: Map<MachineId, { readonly count: number; readonly over: Link }>;
  answers: number;
  /** our own: what to do with the beacons of an answer */
  readonly arrived?: (beacons: readonly Uint8Array[]) => void;
  readonly ends: Disposable | undefined;
}

export class FoafWalks implements Disposable {
  readonly #parts: FoafParts;
  readonly #passing = new Map<string, Passing>();
  /** by machine: a link that is made anew brings no more */
  readonly #allowance = new Map<MachineId, { left: number; at: number }>();

  constructor(parts: FoafParts) {
    this.#parts = parts;
    parts.links.on({
      up: () => {},
      down: (link) => this.#gone(link),
      kinds: ['presence'],
      message: (link, message) => {
        if (message.kind !== 'presence') return;
        if (message.control.kind === 'query') this.#queried(link, message.control);
        else if (message.control.kind === 'answer') this.#answered(link, message.control);
      },
    });
  }

  /** What neighbours know becomes known here. Resolves when all have answered, the target was found, time is up or `signal` aborts. */
  async walk({ ttl, timeoutMs, target }: Walk, signal: AbortSignal): Promise<void> {
    const { clock, crypto, presence } = this.#parts;
    const steps = Math.min(ttl, MAX_WALK_TTL);
    if (steps === 0 || signal.aborted) return;
    const over = Promise.withResolvers<void>();
    const walk = crypto.randomBytes(WALK_ID_BYTES);
    const id = toHex(walk);
    const found = (): boolean => target !== undefined && presence.isOnline(target);
    const learning = new Set<Promise<unknown>>();
    const end = async (): Promise<void> => {
      await Promise.all(learning);
      over.resolve();
    };
    const passing: Passing = {
      back: undefined,
      due: new Map(),
      answers: 0,
      ends: undefined,
      arrived: (beacons) => {
        const learned = Promise.all(beacons.map((beacon) => presence.offered(beacon))).finally(() => {
          learning.delete(learned);
          if (found()) over.resolve();
        });
        learning.add(learned);
        if (this.#passing.get(id) === passing && passing.due.size === 0) void end();
      },
    };
    this.#passing.set(id, passing);
    using _timer = clock.after(timeoutMs, over.resolve);
    signal.addEventListener('abort', () => over.resolve(), { once: true });
    this.#send(passing, { kind: 'query', walk, ttl: steps, target: target ?? null }, FIRST_FANOUT, undefined);
    if (passing.due.size === 0) over.resolve();
    try {
      await over.promise;
    } finally {
      this.#passing.delete(id);
    }
  }

  [Symbol.dispose](): void {
    for (const { ends } of this.#passing.values()) ends?.[Symbol.dispose]();
    this.#passing.clear();
  }

  #queried(link: Link, query: Query): void {
    const { contacts, clock, counters } = this.#parts;
    const refuse = (reason: string): void => counters.add(`foaf_queries_refused_total{reason="${reason}"}`);
    if (contacts.rejects(link.agent, link.machine)) return refuse('rejected');
    if (!this.#allowed(link)) return refuse('rate');
    const id = toHex(query.walk);
    const answer = (forwarded: number, beacons: readonly Uint8Array[]): void =>
      void link.send({ kind: 'presence', control: { kind: 'answer', walk: query.walk, forwarded, beacons } });
    // It came around: whoever sent it here first gets the answer.
    if (this.#passing.has(id)) return answer(0, []);
    counters.add('foaf_queries_total');
    const beacons = this.#known(query.target, link.agent);
    const found = query.target !== null && beacons.length > 0;
    const passing: Passing = {
      back: link.machine,
      due: new Map(),
      answers: 0,
      ends: clock.after(RELAY_MS, () => this.#passing.delete(id)),
    };
    const relayed = [...this.#passing.values()].filter(({ back }) => back !== undefined);
    const room = relayed.length < MAX_RELAYED && relayed.filter(({ back }) => back === link.machine).length < MAX_RELAYED_OF_PEER;
    if (room) {
      this.#passing.set(id, passing);
      if (!found && query.ttl > 1) this.#send(passing, { ...query, ttl: query.ttl - 1 }, FURTHER_FANOUT, link);
    } else passing.ends?.[Symbol.dispose]();
    answer(passing.due.size, beacons);
  }

  #answered(link: Link, answer: Answer): void {
    const passing = this.#passing.get(toHex(answer.walk));
    const due = passing?.due.get(link.machine);
    if (!passing || due === undefined || passing.answers >= MAX_ANSWERS || this.#parts.contacts.rejects(link.agent, link.machine)) {
      return this.#parts.counters.add('foaf_answers_refused_total');
    }
    passing.answers++;
    const count = due.count - 1 + answer.forwarded;
    if (count === 0) passing.due.delete(link.machine);
    else passing.due.set(link.machine, { ...due, count });
    if (passing.arrived) return passing.arrived(answer.beacons);
    const beacons = answer.beacons.filter((beacon) => this.#speakable(beacon));
    this.#passBack(passing, { ...answer, beacons });
  }

  /** By the link that there is now to whoever asked: it may have been made anew. */
  #passBack({ back }: Passing, answer: Answer): void {
    if (back) this.#parts.links.toMachine(back)?.send({ kind: 'presence', control: answer });
  }

  /** What that neighbour still owed will not come, unless by the link that took the place of this one: who waits for it is told at once. */
  #gone(link: Link): void {
    const { machine } = link;
    const next = this.#parts.links.toMachine(machine);
    for (const [walk, passing] of this.#passing) {
      const due = passing.due.get(machine);
      if (due?.over !== link) continue;
      if (next && !next.afresh) {
        passing.due.set(machine, { ...due, over: next });
        continue;
      }
      passing.due.delete(machine);
      if (passing.arrived) passing.arrived([]);
      for (let left = due.count; passing.back && left > 0 && passing.answers < MAX_ANSWERS; left--, passing.answers++) {
        this.#passBack(passing, { kind: 'answer', walk: fromHex(walk), forwarded: 0, beacons: [] });
      }
    }
  }

  /** Sends the query to neighbours: those of trusted agents first, chance decides between equals. */
  #send(passing: Passing, query: Query, fanout: number, except: Link | undefined): void {
    const { links, contacts, random } = this.#parts;
    const order = { accept: 0, accept_with_flag: 1, unknown: 2 } as const;
    const candidates = links
      .all()
      .filter((link) => link.machine !== except?.machine && !contacts.rejects(link.agent, link.machine))
      .map((link) => ({ link, rank: (order as Record<string, number>)[contacts.evaluate(link.agent, link.machine)]!, chance: random.next() }))
      .toSorted((a, b) => a.rank - b.rank || a.chance - b.chance);
    for (const { link } of candidates) {
      if (passing.due.size >= fanout) return;
      if (link.send({ kind: 'presence', control: query })) passing.due.set(link.machine, { count: 1, over: link });
    }
  }

  /** Beacons to answer with: of the agent that is wanted, else some of those that were heard, and our own. */
  #known(target: AgentId | null, asker: AgentId): Uint8Array[] {
    const { identity, presence, contacts, clock, random } = this.#parts;
    const mono = clock.monotonic();
    const beaconOf = (agent: AgentId): Uint8Array | undefined => {
      if (agent === identity.agentId) return presence.own?.envelope;
      const machine = presence.table.get(agent)?.machine;
      return machine === undefined || contacts.rejects(agent, machine) ? undefined : presence.table.envelope(agent, mono);
    };
    if (target !== null) return [beaconOf(target) ?? []].flat();
    const others = presence.table
      .kept()
      .filter((agent) => agent !== asker)
      .map((agent) => ({ agent, chance: random.next() }))
      .toSorted((a, b) => a.chance - b.chance)
      .map(({ agent }) => agent);
    const beacons: Uint8Array[] = [];
    for (const agent of [identity.agentId, ...others]) {
      if (beacons.length === MAX_PRESENCE_BEACONS) break;
      const beacon = beaconOf(agent);
      if (beacon) beacons.push(beacon);
    }
    return beacons;
  }

  /** Nothing of an agent that is blocked here goes through here. */
  #speakable(beacon: Uint8Array): boolean {
    const { contacts, crypto, network, clock } = this.#parts;
    try {
      const limits = { now: clock.now(), network, maxBytes: MAX_BEACON_ENVELOPE_BYTES, kinds: ['announce'] };
      return !contacts.blocked(inspectEnvelope(crypto, beacon, limits).sender);
    } catch (error) {
      if (error instanceof EnvelopeError) return false;
      throw error;
    }
  }

  #allowed({ machine }: Link): boolean {
    const now = this.#parts.clock.monotonic();
    const before = this.#allowance.get(machine) ?? { left: BURST, at: now };
    const left = Math.min(BURST, before.left + ((now - before.at) / 1_000) * QUERIES_PER_S);
    remember(this.#allowance, machine, { left: left < 1 ? left : left - 1, at: now }, MAX_ASKERS);
    return left >= 1;
  }
}
