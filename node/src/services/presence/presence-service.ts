/** Presence of agents: this node gives signed beacons by gossip and listens to those of others. A link that breaks is a hint that the agent may be gone; asking it tells. */
import {
  decodePresence,
  EnvelopeError,
  encodePresence,
  inspectEnvelope,
  MAX_BEACON_ENVELOPE_BYTES,
  PRESENCE_TOPIC,
  ProtocolError,
  verifyEnvelope,
} from '@muster/protocol';
import type { AgentId, Beacon, NetworkId, PresenceAsk } from '@muster/protocol';
import type { Clock, Crypto, Log, Random } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import { farewellOf, NOT_NEEDED } from '../links/link.ts';
import type { Link } from '../links/link.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { Guard, PubSub, TopicMessage } from '../messaging/pubsub.ts';
import { ASK_EVERY_MS, HINT_OUTLIVES_MS } from './detector.ts';
import { Newcomers } from './newcomers.ts';
import { FAMILIAR, OwnBeacons } from './own-beacons.ts';
import type { OwnBeacon } from './own-beacons.ts';
import { PresenceTable } from './presence-table.ts';
import type { Heard, Moment, Present } from './presence-table.ts';

/** whoever comes is answered with a beacon by so many of those who are online, within this time: small networks know one another at once */
const WELCOMES = 32;
const WELCOME_MS = 1_500;
/** links come several at a time: one beacon for all of them */
const LINKED_MS = 500;
/** an agent that a link broke to is asked so soon after that: not all its neighbours need to ask */
const ASK_AFTER_MS = { least: HINT_OUTLIVES_MS, most: HINT_OUTLIVES_MS + 400 };
/** agents in doubt that are asked at a time: if all links break, nobody can be asked anyway */
const MAX_CHASES = 32;
const MAX_ASKS = 20;
/** asks a second that everybody hears for long in a network beyond `FAMILIAR`: where much is in doubt because nodes are busy, asking keeps them so */
const ASKS_PER_S = 8;
/** asks of one node that need not wait for that: as many as it takes to see one agent down */
const ASKS_AT_ONCE = 8;
/** what a stopping node waits for its last beacon to be on its way */
const LEAVE_MS = 200;

export interface PresenceSettings {
  readonly beaconIntervalMs: number;
  /** silence after which an agent is offline in any case, but for fewer than 6 of its intervals */
  readonly offlineTimeoutMs: number;
  /** how often event streams look for who went silent */
  readonly eventPollMs: number;
}

export interface PresenceParts {
  readonly identity: LocalIdentity;
  readonly pubsub: Pick<PubSub, 'subscribe' | 'publish' | 'guard'>;
  readonly contacts: Pick<ContactStore, 'rejects' | 'blocked' | 'chosen'>;
  readonly links: Pick<LinkManager, 'on' | 'size' | 'toAgent'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly network: NetworkId;
  readonly counters: Counters;
  readonly log: Log;
  readonly addresses: () => readonly string[];
  readonly settings: PresenceSettings;
}

export class PresenceService implements Disposable {
  readonly table: PresenceTable;
  readonly newcomers: Newcomers;
  readonly #parts: PresenceParts;
  readonly #subscription: Disposable;
  readonly #guard: Disposable;
  readonly #own: OwnBeacons;
  readonly #listeners = new Set<() => void>();
  readonly #chases = new Map<AgentId, Disposable>();
  /** the asks so far are paid for until then, monotonic ms */
  #asksUntil = -Infinity;
  #ended = false;

  constructor(parts: PresenceParts) {
    const { identity, clock, random, contacts, links, pubsub, addresses, settings } = parts;
    this.#parts = parts;
    const say = (beacon: Beacon): Promise<void> => this.#say(beacon);
    this.newcomers = new Newcomers(clock, random);
    this.#own = new OwnBeacons({
      machine: identity.machineId,
      clock,
      random,
      interval: settings.beaconIntervalMs,
      crowd: () => this.table.size,
      turn: () => this.newcomers.turn(),
      addresses,
      say,
    });
    this.table = new PresenceTable({ longestSilenceMs: settings.offlineTimeoutMs, keep: (agent) => contacts.chosen(agent) });
    this.#subscription = pubsub.subscribe(PRESENCE_TOPIC, (message) => this.#gossiped(message));
    this.#guard = pubsub.guard(PRESENCE_TOPIC, this.#judge);
    // A new neighbour lacks what was said before.
    links.on({ up: () => this.#own.welcome(LINKED_MS), down: (link, reason) => this.#unlinked(link, reason) });
  }

  /** The node has joined: beacons begin. */
  start(): void {
    this.#own.start();
  }

  /** The last beacon, for whoever can be reached; gives up after 200 ms. */
  async leave(): Promise<void> {
    const { clock, links } = this.#parts;
    if (this.#ended || links.size === 0 || !this.#own.last) return;
    const late = Promise.withResolvers<void>();
    using _timer = clock.after(LEAVE_MS, late.resolve);
    await Promise.race([this.#own.give(true), late.promise]);
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#guard[Symbol.dispose]();
    this.#subscription[Symbol.dispose]();
    this.#own[Symbol.dispose]();
    for (const timer of this.#chases.values()) timer[Symbol.dispose]();
    this.#chases.clear();
  }

  /** Called when somebody was heard, came or left; who merely fell silent is noticed by looking again. */
  onHeard(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Agents that are online, but for this one and those whose word is not taken. */
  online(): Present[] {
    const { contacts } = this.#parts;
    return this.table.present(this.#now().mono).filter(({ agent, machine }) => !contacts.rejects(agent, machine));
  }

  isOnline(agent: AgentId): boolean {
    const { contacts, identity } = this.#parts;
    if (agent === identity.agentId) return !this.#ended;
    const present = this.table.get(agent);
    return present !== undefined && this.table.online(agent, this.#now().mono) && !contacts.rejects(agent, present.machine);
  }

  /** Our last beacon; none before the first. */
  get own(): Readonly<OwnBeacon> | undefined {
    return this.#own.last;
  }

  /** A beacon as somebody passes it on. False for what is none, too old or of nobody whose word is taken. */
  async offered(envelope: Uint8Array): Promise<boolean> {
    const { contacts, crypto, identity, network, clock } = this.#parts;
    try {
      const limits = { now: clock.now(), network, maxBytes: MAX_BEACON_ENVELOPE_BYTES, kinds: ['announce'] };
      const inspected = inspectEnvelope(crypto, envelope, limits);
      if (inspected.header.to !== PRESENCE_TOPIC || inspected.sender === identity.agentId || contacts.blocked(inspected.sender)) return false;
      const { sender, payload } = await verifyEnvelope(crypto, inspected);
      const said = decoded(payload);
      return said?.kind === 'beacon' && !said.leaving && this.#heard(sender, said, envelope) !== undefined;
    } catch (error) {
      if (error instanceof EnvelopeError) return false;
      throw error;
    }
  }

  #now(): Moment {
    const { clock } = this.#parts;
    return { mono: clock.monotonic(), wall: clock.now() };
  }

  /** Before anything is delivered or passed on: what is no news, or of somebody whose word is not taken here, travels no further. */
  readonly #judge: Guard = ({ header, sender, payload }) => {
    if (header.kind !== 'announce') return undefined;
    const said = decoded(payload);
    if (said?.kind === 'ask') return undefined;
    const why = !said
      ? 'malformed'
      : this.#parts.contacts.rejects(sender, said.machine)
        ? 'machine'
        : this.#isOld(sender, said)
          ? 'stale'
          : undefined;
    if (why) this.#parts.counters.add(`presence_refused_total{reason="${why}"}`);
    // Also of who came before this node did, which is told and not delivered.
    else if (said?.count === 1) this.newcomers.heard(sender);
    return why;
  };

  #isOld(sender: AgentId, { sent }: Beacon): boolean {
    return sent <= (this.table.get(sender)?.sent ?? -1);
  }

  #gossiped({ kind, sender, payload, envelope }: TopicMessage): void {
    const said = kind === 'announce' ? decoded(payload) : undefined;
    if (!said) return;
    if (said.kind === 'ask') return this.#asked(said.agent, sender);
    if (sender !== this.#parts.identity.agentId) return void this.#heard(sender, said, envelope);
    if (this.#own.last?.sent === said.sent) this.#own.last.envelope = envelope;
  }

  /** undefined: its word is not taken */
  #heard(agent: AgentId, beacon: Beacon, envelope: Uint8Array): Heard | undefined {
    const { contacts, counters, random, log } = this.#parts;
    if (contacts.rejects(agent, beacon.machine)) return undefined;
    const heard = this.table.heard({ agent, beacon, envelope }, this.#now());
    counters.add(`presence_beacons_total{outcome="${heard}"}`);
    if (heard === 'stale') return heard;
    if (heard === 'came') {
      log.write('debug', 'agent online', { agent, machine: beacon.machine });
      if (random.next() * this.table.size < WELCOMES) this.#own.welcome(WELCOME_MS, beacon.run);
    }
    if (heard !== 'went-on') for (const listener of this.#listeners) listener();
    return heard;
  }

  #unlinked({ agent }: Link, reason: string): void {
    if (this.#ended || (farewellOf(reason) ?? reason) === NOT_NEEDED || this.#parts.links.toAgent(agent)) return;
    const { mono } = this.#now();
    this.table.hint(agent, mono);
    this.#chase(agent, mono);
  }

  /** Somebody wants a sign of life of this agent. */
  #asked(agent: AgentId, by: AgentId): void {
    const { identity, counters } = this.#parts;
    if (by !== identity.agentId) counters.add('presence_asks_total');
    if (agent === identity.agentId) return this.#own.asked();
    const { mono } = this.#now();
    this.table.hint(agent, mono);
    this.table.asked(agent, mono);
  }

  /** A link to it broke: asks it, unless somebody else does, until it is heard or seen down. */
  #chase(agent: AgentId, since: number): void {
    const { clock, random } = this.#parts;
    if (this.#chases.has(agent) || this.#chases.size >= MAX_CHASES) return;
    let asks = 0;
    const again = (ms: number): void => void this.#chases.set(agent, clock.after(ms, round));
    const round = (): void => {
      const { mono } = this.#now();
      const heard = (this.table.heardAt(agent) ?? 0) > since + HINT_OUTLIVES_MS;
      if (heard || asks++ >= MAX_ASKS || !this.table.online(agent, mono)) return void this.#chases.delete(agent);
      const unasked = mono - (this.table.askedAt(agent) ?? -Infinity);
      if (unasked >= ASK_EVERY_MS * 0.9 && this.#mayAsk(mono)) void this.#say({ kind: 'ask', agent });
      again(ASK_EVERY_MS + random.next() * 100);
    };
    if (this.table.online(agent, since)) again(ASK_AFTER_MS.least + random.next() * (ASK_AFTER_MS.most - ASK_AFTER_MS.least));
  }

  #mayAsk(mono: number): boolean {
    const gap = this.table.size <= FAMILIAR ? 0 : (this.table.size * 1_000) / ASKS_PER_S;
    const until = Math.max(this.#asksUntil, mono - ASKS_AT_ONCE * gap) + gap;
    if (until > mono) return false;
    this.#asksUntil = until;
    return true;
  }

  async #say(said: Parameters<typeof encodePresence>[0]): Promise<void> {
    const { pubsub, log } = this.#parts;
    try {
      await pubsub.publish(PRESENCE_TOPIC, encodePresence(said), 'announce');
    } catch (error) {
      if (!this.#ended) log.write('warn', `presence: ${said.kind} not sent`, { error: String(error) });
    }
  }
}

/** undefined: nothing that makes sense */
function decoded(payload: Uint8Array): Beacon | PresenceAsk | undefined {
  try {
    return decodePresence(payload);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
