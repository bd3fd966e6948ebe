/**
 * Does this node hear others, and do they hear it? Every few seconds the presence service of each linked peer is asked for an echo: an open socket
 * proves nothing. The echo also says which of our beacons reached the peer by gossip, and which one it gave last: so each side knows whether what is
 * published arrives, in both directions.
 */
import type { MachineId, PresenceControl } from '@muster/protocol';
import { PING_NONCE_BYTES, toHex } from '@muster/protocol';
import type { Clock, Crypto, Log } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import { farewellOf, STOPPING } from '../links/link.ts';
import type { Link } from '../links/link.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { PresenceService } from '../presence/presence-service.ts';
import type { PresenceTable } from '../presence/presence-table.ts';

const PROBE_EVERY_MS = 4_000;
/** the first probe of a link: short, so that a fresh one is soon known to work */
const FIRST_PROBE_MS = 500;
/** without an echo for this long a peer is not heard: three probes and some */
export const UNHEARD_MS = 14_000;
/** a beacon that is not there after this long was not delivered */
const DELIVERY_MS = 10_000;
/** a node that looks for its bootstrap peers, at the start or after they ended in order, is given this long */
const CONNECTING_MS = 45_000;

export interface Hearing {
  readonly healthy: boolean;
  /** why it is not, or that it is alone */
  readonly reason: string | undefined;
}

export interface HearingParts {
  readonly links: Pick<LinkManager, 'on' | 'size' | 'toMachine'>;
  readonly presence: Pick<PresenceService, 'own'> & { readonly table: Pick<PresenceTable, 'get'> };
  readonly contacts: Pick<ContactStore, 'rejects'>;
  readonly clock: Clock;
  readonly crypto: Pick<Crypto, 'randomBytes'>;
  readonly log: Log;
  /** `host:port` that the configuration names */
  readonly bootstrapPeers: readonly string[];
}

interface Ear {
  readonly since: number;
  /** the last probe that was not answered yet: its nonce */
  probe: string | undefined;
  echoAt: number | undefined;
  /** our beacons, as they reach the peer */
  readonly ours: Delivery;
  /** the peer's, as they reach us */
  readonly theirs: Delivery;
}

/** Whether beacons get from their sender to their reader. */
interface Delivery {
  /** `sent` of the last one before the link, as far as is known: nobody owes that to a new neighbour; undefined until the first echo tells */
  before: number | undefined;
  /** `sent` of the latest that did */
  latest: number;
  /** since when a later one is missing and none came; undefined while nothing is missing */
  lackingSince: number | undefined;
}

export class HearingProbe implements Disposable {
  readonly #parts: HearingParts;
  readonly #ears = new Map<Link, Ear>();
  readonly #timers = new Set<Disposable>();
  /** when there was no link last */
  #aloneSince: number;
  /** the last link ended without a word */
  #abandonedAt: number | undefined;
  #everLinked = false;
  #told = true;

  constructor(parts: HearingParts) {
    const { links, clock } = parts;
    this.#parts = parts;
    this.#aloneSince = clock.monotonic();
    links.on({
      up: (link) => this.#linked(link),
      down: (link, reason) => this.#unlinked(link, reason),
      kinds: ['presence'],
      message: (link, message) => {
        if (message.kind === 'presence') this.#said(link, message.control);
      },
    });
    this.#timers.add(clock.every(PROBE_EVERY_MS, () => this.#round()));
  }

  now(): Hearing {
    const { links, clock, bootstrapPeers } = this.#parts;
    const now = clock.monotonic();
    if (links.size > 0) return this.#ofLinks(now);
    if (this.#abandonedAt !== undefined) return bad(`nobody is heard: the last peer vanished ${seconds(now - this.#abandonedAt)} s ago`);
    if (bootstrapPeers.length === 0)
      return { healthy: true, reason: this.#everLinked ? 'alone: every peer said goodbye' : 'alone: no peer was found, and none is configured' };
    if (now - this.#aloneSince < CONNECTING_MS) return { healthy: true, reason: 'alone: connecting to the bootstrap peers' };
    return bad(`nobody is heard: none of the bootstrap peers is linked (${bootstrapPeers.length} configured)`);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  #ofLinks(now: number): Hearing {
    const ears = [...this.#ears].filter(([link]) => this.#parts.links.toMachine(link.machine) === link).map(([, ear]) => ear);
    const heard = ears.filter(({ echoAt, since }) => now - (echoAt ?? since) <= UNHEARD_MS);
    const silence = Math.min(...ears.map(({ echoAt, since }) => now - (echoAt ?? since)));
    if (heard.length === 0) return bad(`linked to ${peers(ears.length)}, but none has answered for ${seconds(silence)} s`);
    const lasts = (at: number | undefined): boolean => at !== undefined && now - at >= DELIVERY_MS;
    if (heard.every(({ ours }) => lasts(ours.lackingSince))) return bad(`what this node publishes reaches none of ${peers(heard.length)}`);
    if (heard.every(({ theirs }) => lasts(theirs.lackingSince))) return bad(`nothing that ${peers(heard.length)} published was delivered here`);
    return { healthy: true, reason: undefined };
  }

  #linked(link: Link): void {
    const { clock } = this.#parts;
    this.#everLinked = true;
    this.#abandonedAt = undefined;
    const delivery = (before: number | undefined): Delivery => ({ before, latest: 0, lackingSince: undefined });
    const { own } = this.#parts.presence;
    this.#ears.set(link, {
      since: clock.monotonic(),
      probe: undefined,
      echoAt: undefined,
      ours: delivery(own?.sent ?? 0),
      theirs: delivery(undefined),
    });
    const timer = clock.after(FIRST_PROBE_MS, () => {
      this.#timers.delete(timer);
      this.#probe(link);
    });
    this.#timers.add(timer);
  }

  #unlinked(link: Link, reason: string): void {
    this.#ears.delete(link);
    const { links, clock } = this.#parts;
    if (links.size > 0) return;
    this.#aloneSince = clock.monotonic();
    if (farewellOf(reason) !== STOPPING) this.#abandonedAt = this.#aloneSince;
  }

  #round(): void {
    for (const link of this.#ears.keys()) this.#probe(link);
    const { healthy, reason } = this.now();
    if (healthy === this.#told) return;
    this.#told = healthy;
    this.#parts.log.write(healthy ? 'info' : 'warn', healthy ? 'the node hears others again' : `degraded: ${reason}`);
  }

  #probe(link: Link): void {
    const ear = this.#ears.get(link);
    if (!ear) return;
    const nonce = this.#parts.crypto.randomBytes(PING_NONCE_BYTES);
    ear.probe = toHex(nonce);
    link.send({ kind: 'presence', control: { kind: 'probe', nonce } });
  }

  #said(link: Link, control: PresenceControl): void {
    const { presence, contacts } = this.#parts;
    if (control.kind === 'probe') {
      const heard = presence.table.get(link.agent);
      const echo = { kind: 'echo', nonce: control.nonce, heard: latest(heard, link.machine), own: presence.own?.sent ?? null } as const;
      return void link.send({ kind: 'presence', control: echo });
    }
    const ear = this.#ears.get(link);
    if (control.kind !== 'echo' || !ear || ear.probe !== toHex(control.nonce)) return;
    const now = this.#parts.clock.monotonic();
    ear.probe = undefined;
    ear.echoAt = now;
    delivered(ear.ours, control.heard ?? 0, presence.own?.sent ?? 0, now);
    // What is refused here by choice is not missed.
    const due = contacts.rejects(link.agent, link.machine) ? 0 : (control.own ?? 0);
    delivered(ear.theirs, latest(presence.table.get(link.agent), link.machine) ?? 0, due, now);
  }
}

/** `came`: the latest that is there; `due`: the latest that was given. */
function delivered(delivery: Delivery, came: number, due: number, now: number): void {
  delivery.before ??= due;
  const lacking = came < due && due > delivery.before && came <= delivery.latest;
  delivery.lackingSince = lacking ? (delivery.lackingSince ?? now) : undefined;
  delivery.latest = came;
}

function latest(heard: { readonly machine: MachineId; readonly sent: number } | undefined, machine: MachineId): number | null {
  return heard?.machine === machine ? heard.sent : null;
}

const bad = (reason: string): Hearing => ({ healthy: false, reason });
const seconds = (ms: number): number => Math.round(ms / 1_000);
const peers = (count: number): string => (count === 1 ? '1 peer' : `${count} peers`);
