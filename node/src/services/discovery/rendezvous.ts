/**
 * Rendezvous: every agent leaves a signed record, valid for a time, with the keepers of its shard; they give it to whoever asks for an agent that
 * does not answer itself. The agents whose ids lie nearest to a shard keep it: as many as `KEEPERS` of those that each knows of, so that a small
 * network keeps everything everywhere and a large one a little on each node.
 */
import {
  decodeDiscovery,
  encodeDiscovery,
  inspectRendezvousRecord,
  ProtocolError,
  RENDEZVOUS_SHARDS,
  RendezvousError,
  rendezvousShard,
  rendezvousTopic,
  signRendezvousRecord,
  verifyRendezvousRecord,
} from '@muster/protocol';
import type { AgentId, NetworkId, RendezvousRecord } from '@muster/protocol';
import type { Clock, Crypto, Log, Random } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import { CROWD } from '../identity/announcements.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { Guard, PubSub, TopicMessage } from '../messaging/pubsub.ts';
import { isKeeper } from './keepers.ts';
import type { RendezvousRecords } from './rendezvous-records.ts';

/** after the start, and after the first link, which gives somebody to leave it with: nobody waits for it, and many who join together have more urgent things to say */
const LEAVE_AFTER_MS = { least: 2_000, most: 3_000 };
/** for keepers that linked a moment later; in a crowd they were there the first time */
const LEAVE_AGAIN_AFTER_MS = 5_000;
/** which shards are kept is looked at this often: who is near changes as agents come and go */
const KEEP_EVERY_MS = 60_000;
/** and more often at first, while others are getting known: who knows nobody keeps everything, and therefore waits until it had time to hear of some */
const KEEP_SOON_MS = [1_500, 4_500, 15_000, 30_000];
/** keepers answer after a random part of this, unless another one did */
const ANSWER_WITHIN_MS = 200;
/** answers that wait, and answers per second: a crowd that asks is not worth more */
const MAX_ANSWERS = 32;

export interface RendezvousParts {
  readonly identity: LocalIdentity;
  readonly network: NetworkId;
  readonly pubsub: Pick<PubSub, 'publish' | 'subscribe' | 'guard'>;
  readonly links: Pick<LinkManager, 'on' | 'size'>;
  readonly contacts: Pick<ContactStore, 'blocked' | 'rejects'>;
  readonly records: RendezvousRecords;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: Counters;
  readonly log: Log;
  readonly addresses: () => readonly string[];
  /** agents heard */
  readonly crowd: () => number;
  /** many come at once */
  readonly crowded: () => boolean;
  /** ms that the first record waits while many come at once, who know nobody yet and would all keep it */
  readonly turn: () => number;
  /** other agents that were heard of lately */
  readonly others: () => readonly AgentId[];
  readonly validityMs: number;
}

export class Rendezvous implements Disposable {
  readonly #parts: RendezvousParts;
  readonly #topics = new Map<number, Disposable>();
  readonly #kept = new Set<number>();
  readonly #wanted = new Map<AgentId, Set<(record: RendezvousRecord) => void>>();
  readonly #answers = new Map<AgentId, Disposable>();
  readonly #timers = new Set<Disposable>();
  #answered = { second: 0, count: 0 };
  #leaving = false;

  constructor(parts: RendezvousParts) {
    this.#parts = parts;
  }

  /** From joining on: keeps, and leaves a record of its own, again whenever half of its validity is over. */
  start(): void {
    const { clock, validityMs, random, links, others } = this.#parts;
    if (others().length > 0) this.#keep();
    links.on({
      up: () => void (links.size === 1 && this.#leaveSoon()),
      down: () => {},
    });
    for (const ms of KEEP_SOON_MS) this.#timers.add(clock.after(ms, () => this.#keep()));
    this.#timers.add(clock.every(KEEP_EVERY_MS, () => this.#keep()));
    this.#leaveSoon();
    const again = (): void => void (this.#parts.crowd() < CROWD && !this.#parts.crowded() && this.#publish());
    if (LEAVE_AGAIN_AFTER_MS < validityMs / 2) this.#timers.add(clock.after(LEAVE_AGAIN_AFTER_MS, again));
    this.#timers.add(clock.every((validityMs / 2) * (1 - random.next() / 10), () => this.#publish()));
  }

  /** Shards that this node keeps. */
  get shards(): readonly number[] {
    return [...this.#kept];
  }

  /** Asks the keepers `times` times in `ms`; undefined when none of them has a valid record. */
  async find(agent: AgentId, ms: number, times: number, signal: AbortSignal): Promise<RendezvousRecord | undefined> {
    const { clock, crypto, network, pubsub, records, log } = this.#parts;
    const own = records.get(agent);
    if (own) return inspectRendezvousRecord(crypto, own, { now: clock.now(), network });
    const { promise, resolve } = Promise.withResolvers<RendezvousRecord | undefined>();
    const shard = rendezvousShard(agent);
    const waiting = this.#wanted.get(agent) ?? new Set();
    this.#wanted.set(agent, waiting.add(resolve));
    this.#listen(shard);
    const ask = (): void =>
      void pubsub
        .publish(rendezvousTopic(shard), encodeDiscovery({ kind: 'ask', agent }), 'announce')
        .catch((error: unknown) => log.write('debug', 'asking failed', { error: String(error) }));
    const timers = Array.from({ length: times - 1 }, (_, index) => clock.after(((index + 1) * ms) / times, ask));
    timers.push(clock.after(ms, () => resolve(undefined)));
    const stop = (): void => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
    ask();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', stop);
      for (const timer of timers) timer[Symbol.dispose]();
      waiting.delete(resolve);
      if (waiting.size === 0) this.#wanted.delete(agent);
      this.#leave(shard);
    }
  }

  [Symbol.dispose](): void {
    for (const timer of [...this.#timers, ...this.#answers.values(), ...this.#topics.values()]) timer[Symbol.dispose]();
  }

  /** Takes up the shards that this node is among the nearest to, and leaves the others. What it kept of them stays until it expires. */
  #keep(): void {
    const { identity, others } = this.#parts;
    const known = others();
    for (let shard = 0; shard < RENDEZVOUS_SHARDS; shard++) {
      if (isKeeper(identity.agentId, known, shard)) {
        this.#kept.add(shard);
        this.#listen(shard);
      } else {
        this.#kept.delete(shard);
        this.#leave(shard);
      }
    }
  }

  #listen(shard: number): void {
    if (this.#topics.has(shard)) return;
    const { pubsub } = this.#parts;
    const topic = rendezvousTopic(shard);
    const subscription = pubsub.subscribe(topic, (message) => void this.#heard(message));
    const guard = pubsub.guard(topic, this.#judge);
    this.#topics.set(shard, {
      [Symbol.dispose]: () => {
        guard[Symbol.dispose]();
        subscription[Symbol.dispose]();
      },
    });
  }

  #leave(shard: number): void {
    if (this.#kept.has(shard) || [...this.#wanted.keys()].some((agent) => rendezvousShard(agent) === shard)) return;
    this.#topics.get(shard)?.[Symbol.dispose]();
    this.#topics.delete(shard);
  }

  #leaveSoon(): void {
    const { clock, random, links } = this.#parts;
    if (this.#leaving) return;
    this.#leaving = true;
    const { least, most } = LEAVE_AFTER_MS;
    const leave = (ms: number): void => {
      const timer = clock.after(ms, () => {
        this.#timers.delete(timer);
        const wait = this.#parts.turn();
        if (wait > 0) return leave(wait);
        this.#leaving = false;
        if (links.size > 0) this.#publish();
      });
      this.#timers.add(timer);
    };
    leave(least + random.next() * (most - least));
  }

  #publish(): void {
    void this.#leaveRecord().catch((error: unknown) => this.#parts.log.write('warn', 'rendezvous record not published', { error: String(error) }));
  }

  async #leaveRecord(): Promise<void> {
    const { identity, network, pubsub, crypto, clock, addresses, validityMs } = this.#parts;
    const issued = clock.now();
    const record = await signRendezvousRecord(crypto, identity.agentKey, {
      network,
      machine: identity.machineId,
      kemKey: identity.kemKey.publicKey,
      addresses: addresses(),
      issued,
      expires: issued + validityMs,
    });
    await pubsub.publish(rendezvousTopic(rendezvousShard(identity.agentId)), encodeDiscovery({ kind: 'record', record }), 'announce');
  }

  /** Before anything is delivered or passed on. A record that others gave out travels on, a late or older one does not. */
  readonly #judge: Guard = ({ header, payload }) => {
    if (header.kind !== 'announce') return undefined;
    const { crypto, clock, network, contacts, records } = this.#parts;
    try {
      const said = decodeDiscovery(payload);
      if (said.kind === 'ask') return rendezvousTopic(rendezvousShard(said.agent)) === header.to ? undefined : this.#refuse('malformed');
      if (said.kind !== 'record') return this.#refuse('malformed');
      const { agent, machine, issued } = inspectRendezvousRecord(crypto, said.record, { now: clock.now(), network });
      if (rendezvousTopic(rendezvousShard(agent)) !== header.to) return this.#refuse('malformed');
      if (issued < (records.issued(agent) ?? -1)) return this.#refuse('stale');
      return contacts.blocked(agent) || contacts.rejects(agent, machine) ? this.#refuse('rejected') : undefined;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return this.#refuse(error instanceof RendezvousError ? error.code : 'malformed');
    }
  };

  async #heard({ kind, payload, sender }: TopicMessage): Promise<void> {
    const { identity, crypto, clock, network, records, log } = this.#parts;
    if (kind !== 'announce' || sender === identity.agentId) return;
    try {
      const said = decodeDiscovery(payload);
      if (said.kind === 'ask') return this.#asked(said.agent);
      if (said.kind !== 'record') return;
      const record = await verifyRendezvousRecord(crypto, said.record, { now: clock.now(), network });
      const { agent, issued } = record;
      // Somebody gave it out already.
      if (issued >= (records.issued(agent) ?? 0)) this.#withdraw(agent);
      if (agent !== identity.agentId && this.#kept.has(rendezvousShard(agent))) records.keep(record, said.record);
      for (const found of this.#wanted.get(agent) ?? []) found(record);
    } catch (error) {
      if (error instanceof ProtocolError) this.#refuse(error instanceof RendezvousError ? error.code : 'malformed');
      else log.write('warn', 'rendezvous record not kept', { sender, error: String(error) });
    }
  }

  #asked(agent: AgentId): void {
    const { clock, random, counters, records } = this.#parts;
    counters.add('rendezvous_asks_total');
    if (!records.get(agent) || this.#answers.has(agent)) return;
    if (this.#answers.size >= MAX_ANSWERS) return counters.add('rendezvous_answers_skipped_total');
    const timer = clock.after(ANSWER_WITHIN_MS * random.next(), () => {
      this.#answers.delete(agent);
      this.#answer(agent);
    });
    this.#answers.set(agent, timer);
  }

  #answer(agent: AgentId): void {
    const { clock, pubsub, counters, records, log } = this.#parts;
    const second = Math.floor(clock.monotonic() / 1_000);
    if (this.#answered.second !== second) this.#answered = { second, count: 0 };
    if (++this.#answered.count > MAX_ANSWERS) return counters.add('rendezvous_answers_skipped_total');
    // It may have expired since it was asked for.
    const record = records.get(agent);
    if (!record) return;
    counters.add('rendezvous_answers_total');
    void pubsub
      .publish(rendezvousTopic(rendezvousShard(agent)), encodeDiscovery({ kind: 'record', record }), 'announce')
      .catch((error: unknown) => log.write('warn', 'rendezvous answer failed', { error: String(error) }));
  }

  #withdraw(agent: AgentId): void {
    this.#answers.get(agent)?.[Symbol.dispose]();
    this.#answers.delete(agent);
  }

  #refuse(reason: string): string {
    this.#parts.counters.add(`rendezvous_refused_total{reason="${reason}"}`);
    return `rendezvous_${reason}`;
  }
}
