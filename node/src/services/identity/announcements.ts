/** What agents say of themselves to the network, and what this node remembers of it. */
import {
  ANNOUNCE_TOPIC,
  CLOCK_SKEW_MS,
  decodeDiscovery,
  decodeUserCertificate,
  encodeDiscovery,
  encodeUserCertificate,
  identityTopic,
  ProtocolError,
  verifyUserCertificate,
} from '@muster/protocol';
import type { AgentId, Announcement, DiscoveryMessage } from '@muster/protocol';
import type { Clock, Crypto, Log, Random } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { Guard, PubSub, TopicMessage } from '../messaging/pubsub.ts';
import type { KnownPeers } from '../peers/known-peers.ts';
import type { LocalIdentity } from './local-identity.ts';

/** one announcement when neighbours are found, another for those that linked a moment later */
const AFTER_JOIN_MS = 1_500;
const AGAIN_MS = 3_000;
/** in a network of so many, or where many come at once, the second one is left out: most are here already, and the rest hear the heartbeat */
export const CROWD = 64;
/** the first link gives somebody to tell; when many join together they find their neighbours first, and then speak one after another */
const AFTER_FIRST_LINK_MS = 1_500;
const SPREAD_MS = 500;
/** between two that this node makes by itself: the second must not overtake the first on its way, or the first is taken for stale */
const APART_MS = 1_000;
/** heartbeats of nodes that started together spread over this part of the interval */
const JITTER = 0.1;
/** who asks again within this time hears the same answer */
const ANSWER_EVERY_MS = 500;

export interface AnnouncementParts {
  readonly identity: LocalIdentity;
  readonly pubsub: PubSub;
  readonly links: LinkManager;
  readonly contacts: ContactStore;
  readonly peers: KnownPeers;
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
  /** ms that the first word waits while many come at once */
  readonly turn: () => number;
  readonly heartbeatMs: number;
  /** what is older than this when it arrives is not kept, nor passed on */
  readonly ttlMs: number;
}

/** Announces this agent at join and by heartbeat, answers those who ask for it, and listens to others. */
export class Announcements implements Disposable {
  readonly #parts: AnnouncementParts;
  readonly #topics = new Map<string, { users: number; readonly end: Disposable }>();
  readonly #timers = new Set<Disposable>();
  /** the last word of the human: heartbeats repeat it, a restart forgets it */
  #disclosesUser = false;
  #answeredAt = -Infinity;
  #saidAt = -Infinity;
  #waiting = false;
  #disposed = false;

  constructor(parts: AnnouncementParts) {
    this.#parts = parts;
    this.listen(ANNOUNCE_TOPIC);
    this.listen(identityTopic(parts.identity.agentId));
    parts.links.on({
      up: () => void (parts.links.size === 1 && this.#linked(parts.clock.monotonic())),
      down: () => {},
    });
  }

  /** From joining on. */
  start(): void {
    const { heartbeatMs, random, crowd, crowded } = this.#parts;
    this.#later(AFTER_JOIN_MS + SPREAD_MS * random.next(), () => this.#tellAll());
    this.#later(AGAIN_MS, () => void (crowd() < CROWD && !crowded() && this.#tellAll()));
    const beat = (): void => {
      this.#later(heartbeatMs * (1 - JITTER + 2 * JITTER * random.next()), () => {
        this.#tellAll();
        beat();
      });
    };
    beat();
  }

  /** Announces now. The user's certificate goes along, now and with the heartbeats to come, only when asked for. */
  async announce(includeUser: boolean): Promise<void> {
    this.#disclosesUser = includeUser;
    await this.#say(ANNOUNCE_TOPIC);
  }

  /** Takes in announcements on a further topic as well, until disposed as often as it was called. */
  listen(topic: string): Disposable {
    let heard = this.#topics.get(topic);
    if (!heard) {
      const { pubsub } = this.#parts;
      const subscription = pubsub.subscribe(topic, (message) => void this.#heard(message));
      const guard = pubsub.guard(topic, this.#judge);
      const end = {
        [Symbol.dispose]: () => {
          guard[Symbol.dispose]();
          subscription[Symbol.dispose]();
        },
      };
      heard = { users: 0, end };
      this.#topics.set(topic, heard);
    }
    const one = heard;
    one.users++;
    return {
      [Symbol.dispose]: () => {
        if (--one.users > 0 || this.#disposed) return;
        this.#topics.delete(topic);
        one.end[Symbol.dispose]();
      },
    };
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    for (const { end } of this.#topics.values()) end[Symbol.dispose]();
  }

  async #say(topic: string): Promise<void> {
    const { identity, pubsub, addresses, clock } = this.#parts;
    if (topic === ANNOUNCE_TOPIC) this.#saidAt = clock.monotonic();
    const user = this.#disclosesUser ? identity.user : undefined;
    const said: Announcement = {
      kind: 'announcement',
      machine: identity.machineId,
      kemKey: identity.kemKey.publicKey,
      addresses: addresses(),
      certificate: user ? encodeUserCertificate(user.certificate) : null,
    };
    await pubsub.publish(topic, encodeDiscovery(said), 'announce');
  }

  /** Neighbours tell one another of what is recent: what was said since the link came up need not be said again. */
  #linked(since: number): void {
    this.#later(AFTER_FIRST_LINK_MS + SPREAD_MS * this.#parts.random.next(), () => void (this.#saidAt < since && this.#tellAll()));
  }

  /** Unless there is nobody to tell; a moment later when it was said just now, and when its turn comes where many come at once. */
  #tellAll(): void {
    const { clock, links, heartbeatMs, turn } = this.#parts;
    if (links.size === 0) return;
    const wait = this.#saidAt === -Infinity ? turn() : this.#saidAt + Math.min(APART_MS, heartbeatMs / 2) - clock.monotonic();
    if (wait <= 0) return this.#sayQuietly(ANNOUNCE_TOPIC);
    if (this.#waiting) return;
    this.#waiting = true;
    this.#later(wait, () => {
      this.#waiting = false;
      this.#tellAll();
    });
  }

  #sayQuietly(topic: string): void {
    void this.#say(topic).catch((error: unknown) => this.#parts.log.write('warn', 'announcement failed', { error: String(error) }));
  }

  /** Before anything is delivered or passed on: what is not news travels no further. */
  readonly #judge: Guard = ({ header, sender, payload }) => {
    if (header.kind !== 'announce') return undefined;
    const said = decoded(payload);
    if (said?.kind === 'ask' && header.to !== ANNOUNCE_TOPIC) return undefined;
    if (said?.kind !== 'announcement' || (header.to !== ANNOUNCE_TOPIC && header.to !== identityTopic(sender))) return this.#refuse('malformed');
    if (this.#stale(sender, header.issued)) return this.#refuse('stale');
    return this.#parts.contacts.rejects(sender, said.machine) ? this.#refuse('machine') : undefined;
  };

  async #heard({ kind, topic, payload, sender, senderKey, issued }: TopicMessage): Promise<void> {
    const { identity, contacts, peers, crypto, counters, log } = this.#parts;
    if (sender === identity.agentId || kind !== 'announce') return;
    try {
      const said = decodeDiscovery(payload);
      if (said.kind === 'ask') return this.#asked(said.agent, topic);
      if (said.kind !== 'announcement') return;
      const { machine, kemKey, addresses, certificate } = said;
      const user = certificate && (await verifyUserCertificate(crypto, decodeUserCertificate(certificate), senderKey));
      // While the certificate was checked, a later word may have come, or a decision of the person here.
      if (this.#stale(sender, issued)) return void this.#refuse('stale');
      if (contacts.rejects(sender, machine)) return void this.#refuse('machine');
      peers.learn(sender, machine, { addresses, kemKey, agentKey: senderKey, announced: true, issued, user });
      contacts.heardOf(sender, machine);
      counters.add('announcements_accepted_total');
    } catch (error) {
      const ours = error instanceof ProtocolError;
      this.#refuse(ours ? 'certificate' : 'storage');
      if (!ours) log.write('warn', 'announcement not kept', { sender, error: String(error) });
    }
  }

  #asked(agent: AgentId, topic: string): void {
    const { identity, clock, counters } = this.#parts;
    if (agent !== identity.agentId || topic !== identityTopic(agent)) return;
    counters.add('discovery_asks_total');
    if (clock.monotonic() - this.#answeredAt < ANSWER_EVERY_MS) return;
    this.#answeredAt = clock.monotonic();
    this.#sayQuietly(topic);
  }

  #stale(sender: AgentId, issued: number): boolean {
    const { peers, clock, ttlMs } = this.#parts;
    return issued <= (peers.issued(sender) ?? -1) || issued < clock.now() - ttlMs - CLOCK_SKEW_MS;
  }

  #refuse(reason: string): string {
    this.#parts.counters.add(`announcements_refused_total{reason="${reason}"}`);
    return `announcement_${reason}`;
  }

  #later(ms: number, task: () => void): void {
    if (this.#disposed) return;
    const timer = this.#parts.clock.after(ms, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }
}

function decoded(payload: Uint8Array): DiscoveryMessage | undefined {
  try {
    return decodeDiscovery(payload);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
}
