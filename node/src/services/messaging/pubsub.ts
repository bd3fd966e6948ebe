/** Topics: who on this node listens, what this node says. The overlay carries; this room judges, delivers and counts. */
import { CapabilityError } from '@muster/contract';
import { batchSigner, checkPublishPayload, envelopeSealer, inspectEnvelope, MAX_PUBLISH_ENVELOPE_BYTES, PublishError } from '@muster/protocol';
import type { AgentId, Endorse, EnvelopeContent, NetworkId, TrustLevel } from '@muster/protocol';
import type { Clock, Crypto } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import { remember } from '../remember.ts';
import { GOSSIP_KINDS } from './overlay.ts';
import type { Overlay, OverlayEvents, OverlayMessage } from './overlay.ts';

const MAX_SUBSCRIPTIONS = 10_000;
/** an envelope is acceptable a little longer than the overlay keeps it for those who were away */
const LIFETIME_MS = 330_000;
/** sealers kept, one per topic published to: each spares encoding 2 KB of key */
const MAX_SEALERS = 256;

export interface TopicMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly sender: AgentId;
  readonly senderKey: Uint8Array;
  /** the whole envelope as it travels */
  readonly envelope: Uint8Array;
  /** the sender's level here, null when it is no contact */
  readonly trust: TrustLevel | null;
  /** `announce` for what nodes tell each other of themselves, `inbox` for letters, else `publish` */
  readonly kind: string;
  /** ms by the clock of the sender */
  readonly issued: number;
}

/** Why a message of another node is neither delivered nor passed on; undefined when it is. */
export type Guard = (message: Pick<OverlayMessage, 'header' | 'sender' | 'payload'>) => string | undefined;

export interface Subscription extends Disposable {
  /** 16 hex characters */
  readonly id: string;
  readonly topic: string;
}

export interface SubscribeOptions {
  /** told, after this node was away, of at least so many messages that nobody has any more */
  readonly missed?: ((count: number, id: string) => void) | undefined;
  /** also what blocked agents say: whoever listens judges for itself */
  readonly blockedToo?: boolean | undefined;
}

interface Entry extends Subscription, SubscribeOptions {
  readonly deliver: (message: TopicMessage, id: string) => void;
}

export interface PubSubParts<O extends Overlay> {
  readonly identity: LocalIdentity;
  readonly contacts: ContactStore;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly network: NetworkId;
  readonly counters: Counters;
  /** builds the overlay on top of this judge */
  readonly overlay: (events: OverlayEvents) => O;
}

export class PubSub<O extends Overlay = Overlay> implements Disposable {
  readonly overlay: O;
  readonly #parts: PubSubParts<O>;
  readonly #topics = new Map<string, Map<string, Entry>>();
  /** under load a signature costs more than all else together */
  readonly #endorse: Endorse;
  readonly #guards = new Map<string, Guard>();
  readonly #sealers = new Map<string, (content: EnvelopeContent) => Promise<Uint8Array>>();
  /** topics with a listener that judges blocked agents for itself */
  readonly #unjudged = new Set<string>();
  #count = 0;

  constructor(parts: PubSubParts<O>) {
    this.#parts = parts;
    this.#endorse = batchSigner(parts.crypto, parts.identity.agentKey);
    this.overlay = parts.overlay({
      refuses: (message) => this.#refusal(message),
      accepted: (message) => this.#deliver(message),
      missed: (topic, count) => this.#missed(topic, count),
    });
  }

  /** Delivers from the moment it returns; disposing it is the end of that. Throws `CapabilityError` (503) at the bound. */
  subscribe(topic: string, deliver: Entry['deliver'], { missed, blockedToo }: SubscribeOptions = {}): Subscription {
    if (this.#count >= MAX_SUBSCRIPTIONS) throw new CapabilityError(503, 'too many subscriptions');
    const id = Buffer.from(this.#parts.crypto.randomBytes(8)).toString('hex');
    const entries = this.#topics.get(topic) ?? new Map<string, Entry>();
    const entry: Entry = { id, topic, deliver, missed, blockedToo, [Symbol.dispose]: () => this.#unsubscribe(topic, id) };
    this.#topics.set(topic, entries.set(id, entry));
    this.#count++;
    if (blockedToo) this.#unjudged.add(topic);
    if (entries.size === 1) this.overlay.subscribe(topic);
    return entry;
  }

  /** Has `guard` judge what others say on the topic, beside what is judged on every one. One guard for a topic; the last one stays. */
  guard(topic: string, guard: Guard): Disposable {
    this.#guards.set(topic, guard);
    return { [Symbol.dispose]: () => void (this.#guards.get(topic) === guard && this.#guards.delete(topic)) };
  }

  /** Somebody on this node listens to the topic. */
  interested(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** Signs and sends; our own subscribers get it too. Resolves when every linked peer has it queued. */
  async publish(topic: string, payload: Uint8Array, kind: 'publish' | 'announce' | 'inbox' = 'publish'): Promise<void> {
    const { counters, clock, crypto, network } = this.#parts;
    try {
      checkPublishPayload(payload);
    } catch (error) {
      if (error instanceof PublishError) throw new CapabilityError(413, `payload too large: ${error.message}`);
      throw error;
    }
    try {
      const now = clock.now();
      const bytes = await this.#sealer(topic, kind)({ payload, issued: now, expires: now + LIFETIME_MS });
      const inspected = inspectEnvelope(crypto, bytes, { now, network, maxBytes: MAX_PUBLISH_ENVELOPE_BYTES, kinds: GOSSIP_KINDS });
      const { id, header, sender, staleAfter } = inspected;
      const message: OverlayMessage = { id, header, sender, staleAfter, payload, bytes };
      this.#tally(kind, 'publish');
      this.#deliver(message);
      await this.overlay.broadcast(message);
    } catch (error) {
      counters.add('gossip_publish_failed_total');
      throw new CapabilityError(503, `publish failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  [Symbol.dispose](): void {
    this.overlay[Symbol.dispose]();
  }

  #sealer(topic: string, kind: string): (content: EnvelopeContent) => Promise<Uint8Array> {
    const { crypto, identity, network } = this.#parts;
    const key = `${kind}\0${topic}`;
    const known = this.#sealers.get(key);
    if (known) return known;
    const sealer = envelopeSealer(crypto, identity.agentKey, { kind, network, to: topic }, this.#endorse);
    remember(this.#sealers, key, sealer, MAX_SEALERS);
    return sealer;
  }

  #refusal(message: OverlayMessage): string | undefined {
    const { identity, contacts } = this.#parts;
    const { header, sender } = message;
    if (sender === identity.agentId || (!this.#unjudged.has(header.to) && contacts.blocked(sender))) return 'sender_blocked';
    return this.#guards.get(header.to)?.(message);
  }

  #deliver({ header, sender, payload, bytes }: OverlayMessage): void {
    const { counters, contacts } = this.#parts;
    this.#tally(header.kind, 'messages');
    const entries = this.#topics.get(header.to);
    if (!entries) {
      this.#tally(header.kind, 'relayed');
      return counters.add('gossip_no_subscriber_total');
    }
    const message: TopicMessage = {
      topic: header.to,
      payload,
      sender,
      senderKey: header.senderKey,
      envelope: bytes,
      trust: contacts.standing(sender).contact?.trust ?? null,
      kind: header.kind,
      issued: header.issued,
    };
    counters.add('gossip_due_to_subscriber_total', entries.size);
    const hushed = this.#unjudged.has(header.to) && contacts.blocked(sender);
    for (const entry of entries.values()) {
      this.#tally(header.kind, 'delivered_to_subscriber');
      if (!hushed || entry.blockedToo) entry.deliver(message, entry.id);
    }
  }

  #missed(topic: string, count: number): void {
    for (const entry of this.#topics.get(topic)?.values() ?? []) entry.missed?.(count, entry.id);
  }

  /** Announcements and letters are the node's own traffic: counted with all else, and once more apart, so that the rest can be compared with what users did. */
  #tally(kind: string, what: 'publish' | 'messages' | 'relayed' | 'delivered_to_subscriber'): void {
    this.#parts.counters.add(`gossip_${what}_total`);
    if (kind !== 'publish') this.#parts.counters.add(`gossip_internal_${what}_total`);
  }

  #unsubscribe(topic: string, id: string): void {
    const entries = this.#topics.get(topic);
    if (!entries?.delete(id)) return;
    this.#count--;
    if (entries.size > 0) return;
    this.#topics.delete(topic);
    this.#unjudged.delete(topic);
    this.overlay.unsubscribe(topic);
  }
}
