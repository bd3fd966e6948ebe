import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { splitHostPort } from '../config.ts';
import type { Clock, Log, Neighbour, Neighbours, Self } from '../ports/index.ts';
import { openMdnsLink, type MdnsLink } from './mdns-link.ts';
import { asksFor, questionOf, recordsOf, sightings, type Sighting } from './mdns-records.ts';

/** how often interfaces that came or went are looked for */
const INTERFACES_MS = 5_000;
const MAX_INTERFACES = 8;
/** pauses between questions: double each time, up to the last */
const FIRST_QUESTION_MS = 1_000;
const LAST_QUESTION_MS = 60_000;
/** one answer serves every question of that time (RFC 6762 §6) */
const ANSWER_PAUSE_MS = 500;
/** the second announcement (RFC 6762 §8.3) */
const ANNOUNCE_AGAIN_MS = 1_000;
const MAX_REMEMBERED = 512;
/** nobody is remembered for longer, whatever it says */
const LONGEST_TTL_S = 3_600;

export interface MdnsParts {
  readonly clock: Clock;
  readonly log: Log;
  /** IPv4 addresses of the interfaces to use; default: every one that leaves this host, as they come and go */
  readonly interfaces?: readonly string[];
}

/**
 * Finds nodes on the LAN by multicast DNS (RFC 6762, 6763), IPv4. Only a node that listens on an interface is announced there.
 * Without multicast, or without the port, it finds nothing and logs why, once for each interface.
 */
export function mdnsNeighbours(parts: MdnsParts): Neighbours {
  return {
    scope: 'lan',
    async start(self, found) {
      const presence = new MdnsPresence(parts, self, found);
      await presence.begin();
      return presence;
    },
  };
}

/** One interface: its link and what is still to be sent there. */
interface Attached {
  readonly link: MdnsLink;
  readonly timers: Map<'question' | 'answer' | 'announcement', Disposable>;
  answeredAt: number;
}

interface Remembered {
  readonly key: string;
  readonly until: number;
}

class MdnsPresence implements AsyncDisposable {
  readonly #parts: MdnsParts;
  readonly #self: Self;
  readonly #found: (neighbour: Neighbour) => void;
  readonly #instance = randomUUID();
  readonly #listening: { host: string; port: number };
  readonly #attached = new Map<string, Attached>();
  readonly #complained = new Set<string>();
  /** by machine, the longest unseen first */
  readonly #remembered = new Map<string, Remembered>();
  #interfaces: Disposable | undefined;
  #changing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(parts: MdnsParts, self: Self, found: (neighbour: Neighbour) => void) {
    this.#parts = parts;
    this.#self = self;
    this.#found = found;
    this.#listening = splitHostPort(self.address) ?? { host: '', port: 0 };
  }

  async begin(): Promise<void> {
    this.#interfaces = this.#parts.clock.every(INTERFACES_MS, () => this.#follow());
    this.#follow();
    await this.#changing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#interfaces?.[Symbol.dispose]();
    await this.#changing;
    await Promise.all([...this.#attached].map(([address, { link }]) => link.respond(this.#records(true)).then(() => this.#detach(address))));
  }

  #records(leaving = false) {
    return recordsOf(this.#self, this.#listening.port, this.#instance, leaving);
  }

  /** Attaches to interfaces that came, leaves those that went; one round at a time. */
  #follow(): void {
    this.#changing = this.#changing.then(async () => {
      const wanted = this.#wanted();
      for (const address of this.#attached.keys()) if (!wanted.includes(address)) await this.#detach(address);
      for (const address of wanted) if (!this.#attached.has(address) && !this.#ended) await this.#attach(address);
    });
    const now = this.#parts.clock.monotonic();
    for (const [machine, { until }] of this.#remembered) if (until <= now) this.#remembered.delete(machine);
  }

  #wanted(): string[] {
    const { host } = this.#listening;
    const all = this.#parts.interfaces ?? outwardInterfaces();
    return all.filter((address) => host === '0.0.0.0' || host === '::' || host === address).slice(0, MAX_INTERFACES);
  }

  async #attach(address: string): Promise<void> {
    const { log } = this.#parts;
    try {
      const link = await openMdnsLink(address, {
        query: (packet) => asksFor(this.#self, packet) && this.#answer(address),
        response: (packet, from) => this.#see(sightings(this.#self.network, packet), from),
        warning: (error) => log.write('debug', 'multicast DNS', { interface: address, error: error.message }),
      });
      const attached: Attached = { link, timers: new Map(), answeredAt: -Infinity };
      this.#attached.set(address, attached);
      this.#announce(attached);
      attached.timers.set(
        'announcement',
        this.#parts.clock.after(ANNOUNCE_AGAIN_MS, () => this.#answer(address)),
      );
      this.#ask(attached, FIRST_QUESTION_MS);
    } catch (error) {
      if (this.#complained.has(address)) return;
      this.#complained.add(address);
      log.write('warn', 'nodes on this network interface will not be found', { interface: address, error: (error as Error).message });
    }
  }

  async #detach(address: string): Promise<void> {
    const attached = this.#attached.get(address);
    this.#attached.delete(address);
    for (const timer of attached?.timers.values() ?? []) timer[Symbol.dispose]();
    await attached?.link.close();
  }

  #ask(attached: Attached, pause: number): void {
    void attached.link.query(questionOf(this.#self));
    attached.timers.set(
      'question',
      this.#parts.clock.after(pause, () => this.#ask(attached, Math.min(2 * pause, LAST_QUESTION_MS))),
    );
  }

  #announce(attached: Attached): void {
    attached.answeredAt = this.#parts.clock.monotonic();
    attached.timers.delete('answer');
    void attached.link.respond(this.#records());
  }

  #answer(address: string): void {
    const attached = this.#attached.get(address);
    if (!attached || attached.timers.has('answer') || this.#ended) return;
    const { clock } = this.#parts;
    const pause = Math.max(0, attached.answeredAt + ANSWER_PAUSE_MS - clock.monotonic());
    attached.timers.set(
      'answer',
      clock.after(pause, () => this.#announce(attached)),
    );
  }

  #see(seen: readonly Sighting[], from: string): void {
    if (this.#ended) return;
    for (const { machine, port, instance, ttl } of seen) {
      if (machine === this.#self.machine) continue;
      const address = `${from}:${port}`;
      const before = this.#remembered.get(machine);
      const key = `${instance}@${address}`;
      // A goodbye of the instance before the one that we know says nothing.
      if (ttl === 0 && before?.key !== key) continue;
      this.#remembered.delete(machine);
      if (ttl === 0) continue;
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!);
      this.#remembered.set(machine, { key, until: this.#parts.clock.monotonic() + Math.min(ttl, LONGEST_TTL_S) * 1000 });
      if (before?.key !== key) this.#found({ machine, addresses: [address] });
    }
  }
}

function outwardInterfaces(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address),
  );
}
