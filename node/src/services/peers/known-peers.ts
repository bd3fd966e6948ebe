/** What is known of other agents besides trust: where their machine may be reached and which keys they have. Hints, local to this node. */
import { toBase64 } from '@muster/protocol';
import type { AgentId, MachineId, UserId } from '@muster/protocol';
import type { Clock, Store } from '../../ports/index.ts';
import { fromRecord, toRecord } from '../json-record.ts';

const PEER = 'peer/';
/** beyond this many, those unheard of for longest are forgotten */
const MAX_PEERS = 4_096;
const FORGET_STEP = 512;

export interface KnownPeer {
  readonly agent: AgentId;
  readonly machine: MachineId;
  /** `host:port`, the latest first */
  readonly addresses: readonly string[];
  /** base64 of the raw key; null when only a hint named the agent */
  readonly agentKey: string | null;
  readonly kemKey: string | null;
  /** disclosed by the agent itself, with a certificate */
  readonly user: UserId | null;
  /** Unix seconds, also of what others told of it */
  readonly lastSeen: number;
  /** Unix seconds, when the agent last said itself where it is, by announcement or hello; absent when only a card or a hint named it */
  readonly announcedAt?: number;
  /** ms by the agent's own clock, of the latest that it signed about itself: what is older is stale */
  readonly issued?: number;
  /** Unix seconds, when a link to it was last heard, once one has ended */
  readonly heardAt?: number;
}

/** What is left out stays as it was, unless the agent moved to another machine. */
export interface Learned {
  readonly addresses?: readonly string[];
  readonly agentKey?: Uint8Array;
  readonly kemKey?: Uint8Array;
  /** null: it discloses none any more */
  readonly user?: UserId | null;
  /** it is the agent itself that says so: now, or at this time (Unix seconds) */
  readonly announced?: boolean | number;
  readonly issued?: number;
}

interface Times {
  readonly issued: number | undefined;
  readonly spoke: number | undefined;
}

function timesOf({ issued, announcedAt, heardAt = 0 }: KnownPeer): Times {
  return { issued, spoke: announcedAt === undefined ? undefined : Math.max(announcedAt, heardAt) };
}

export class KnownPeers {
  readonly #store: Store;
  readonly #clock: Clock;

  readonly #keep: (agent: AgentId) => boolean;
  readonly #listeners = new Set<(peer: KnownPeer) => void>();
  /** what is asked for all the time of those that are known, so that it needs no reading of records; of all of them once `spoke` was asked for */
  readonly #times = new Map<AgentId, Times>();
  #complete = false;

  /** `keep`: is never forgotten */
  constructor(store: Store, clock: Clock, keep: (agent: AgentId) => boolean) {
    this.#keep = keep;
    this.#store = store;
    this.#clock = clock;
  }

  get(agent: AgentId): KnownPeer | undefined {
    const record = this.#store.get(PEER + agent);
    return record && fromRecord<KnownPeer>(record);
  }

  /** ms by the agent's own clock, of the latest that it signed about itself and that is known here */
  issued(agent: AgentId): number | undefined {
    const times = this.#times.get(agent);
    if (times || this.#complete) return times?.issued;
    // That somebody is unknown is not noted: there is no end of strangers.
    const peer = this.get(agent);
    if (peer) this.#times.set(agent, timesOf(peer));
    return peer?.issued;
  }

  /** Those that said themselves where they are, or were heard over a link, since then (Unix seconds). */
  spoke(since: number): AgentId[] {
    if (!this.#complete) for (const peer of this.all()) this.#times.set(peer.agent, timesOf(peer));
    this.#complete = true;
    return [...this.#times].filter(([, { spoke }]) => spoke !== undefined && spoke >= since).map(([agent]) => agent);
  }

  byMachine(machine: MachineId): KnownPeer | undefined {
    return this.all().find((peer) => peer.machine === machine);
  }

  all(): KnownPeer[] {
    return this.#store.range({ prefix: PEER }).map(({ value }) => fromRecord<KnownPeer>(value));
  }

  /** Called whenever something was learned. */
  onLearned(listener: (peer: KnownPeer) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  learn(agent: AgentId, machine: MachineId, learned: Learned): void {
    const now = Math.floor(this.#clock.now() / 1_000);
    const before = this.get(agent);
    if (!before) this.#makeRoom();
    const same = before?.machine === machine ? before : undefined;
    const addresses = [...new Set([...(learned.addresses ?? []), ...(same?.addresses ?? [])])].slice(0, 8);
    const said = learned.announced === true ? now : learned.announced || undefined;
    const announcedAt = said === undefined ? same?.announcedAt : Math.max(said, same?.announcedAt ?? 0);
    const issued = learned.issued ?? before?.issued;
    const peer: KnownPeer = {
      agent,
      machine,
      addresses,
      agentKey: learned.agentKey ? toBase64(learned.agentKey) : (before?.agentKey ?? null),
      kemKey: learned.kemKey ? toBase64(learned.kemKey) : (before?.kemKey ?? null),
      user: learned.user === undefined ? (same?.user ?? null) : learned.user,
      lastSeen: now,
      ...(announcedAt !== undefined && { announcedAt }),
      ...(issued !== undefined && { issued }),
      ...(same?.heardAt !== undefined && { heardAt: same.heardAt }),
    };
    this.#keepPeer(peer);
    for (const listener of this.#listeners) listener(peer);
  }

  /** The link to the agent on this machine ended; `seconds` (Unix) is when it was last heard. */
  heard(agent: AgentId, machine: MachineId, seconds: number): void {
    const peer = this.get(agent);
    if (peer?.machine === machine) this.#keepPeer({ ...peer, heardAt: Math.max(seconds, peer.heardAt ?? 0) });
  }

  #keepPeer(peer: KnownPeer): void {
    this.#store.batch([{ key: PEER + peer.agent, value: toRecord(peer) }], 'relaxed');
    this.#times.set(peer.agent, timesOf(peer));
  }

  #makeRoom(): void {
    if (this.#store.count(PEER) < MAX_PEERS) return;
    const oldest = this.all()
      .filter(({ agent }) => !this.#keep(agent))
      .toSorted((a, b) => a.lastSeen - b.lastSeen)
      .slice(0, FORGET_STEP);
    this.#store.batch(
      oldest.map(({ agent }) => ({ key: PEER + agent, value: null })),
      'relaxed',
    );
    for (const { agent } of oldest) this.#times.delete(agent);
  }
}
