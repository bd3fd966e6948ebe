/**
 * Addresses where machines have answered, or said they would: kept across restarts, scored by how dials there went, how long they took and how long
 * that is ago. What a node joins by first. Written as things happen; bounded in all, for one machine and for one public host.
 */
import { isPubliclyRoutable } from '@muster/protocol';
import type { MachineId } from '@muster/protocol';
import { StoreError } from '../../ports/index.ts';
import type { Clock, Log, Store } from '../../ports/index.ts';
import { fromRecord, toRecord } from '../json-record.ts';
import { hostOf } from '../links/addresses.ts';

const CACHED = 'peer-address/';
const MAX_CACHED = 1_024;
const MAX_OF_MACHINE = 8;
/** of one public host: a crowd behind one address cannot fill the cache */
const MAX_OF_HOST = 32;
/** what happened counts half after this */
const HALF_LIFE_SECS = 86_400;
/** an address that has not answered for so long counts half */
const STALE_HALF_SECS = 7 * 86_400;
/** a dial of this length counts two thirds of an instant one */
const SLOW_MS = 1_000;

export interface CachedPeer {
  readonly machine: MachineId;
  /** `host:port` */
  readonly address: string;
  /** dials that ended in a link, and that did not; older ones count less */
  readonly good: number;
  readonly bad: number;
  /** ms that a dial took, smoothed; absent before the first that succeeded */
  readonly dialMs?: number;
  /** Unix seconds: when it last answered, absent when it only said that it would; and when the counts were last brought up to date */
  readonly answeredAt?: number;
  readonly updatedAt: number;
}

/** In (0, 1]: the share of dials that go well, less for slow ones and for those long ago. `now` in Unix seconds. */
export function scoreOf({ good, bad, dialMs, answeredAt, updatedAt }: CachedPeer, now: number): number {
  const decay = 0.5 ** (Math.max(0, now - updatedAt) / HALF_LIFE_SECS);
  const success = (good * decay + 0.5) / ((good + bad) * decay + 1);
  const speed = dialMs === undefined ? 1 : 1 / (1 + dialMs / (2 * SLOW_MS));
  const fresh = answeredAt === undefined ? 0.5 : 0.5 + 0.5 * 0.5 ** (Math.max(0, now - answeredAt) / STALE_HALF_SECS);
  return success * speed * fresh;
}

export class PeerCache {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #peers = new Map<string, CachedPeer>();

  constructor(store: Store, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    for (const { key, value } of store.range({ prefix: CACHED })) this.#peers.set(key, fromRecord<CachedPeer>(value));
  }

  /** A dial ended in a link to that machine after `ms`. */
  answered(machine: MachineId, address: string, ms: number): void {
    const now = this.#now();
    const { good, bad, dialMs } = this.#upToDate(machine, address, now);
    const smoothed = dialMs === undefined ? ms : dialMs * 0.7 + ms * 0.3;
    this.#keep({ machine, address, good: good + 1, bad, dialMs: smoothed, answeredAt: now, updatedAt: now });
  }

  /** A dial there found nobody, or somebody else. Only what is cached is counted. */
  failed(machine: MachineId | undefined, address: string): void {
    const now = this.#now();
    for (const peer of this.#peers.values()) {
      if (peer.address !== address || (machine !== undefined && peer.machine !== machine)) continue;
      const known = this.#upToDate(peer.machine, address, now);
      this.#keep({ ...known, bad: known.bad + 1 });
    }
  }

  /** The machine says that it can be reached there. */
  heardOf(machine: MachineId, address: string): void {
    if (!this.#peers.has(keyOf(machine, address))) this.#keep(this.#upToDate(machine, address, this.#now()));
  }

  /** The best first, one address for each machine. */
  candidates(most: number): CachedPeer[] {
    const machines = new Set<MachineId>();
    const best = this.all().filter(({ machine }) => !machines.has(machine) && machines.add(machine));
    return best.slice(0, most);
  }

  /** The best first. */
  all(): CachedPeer[] {
    const now = this.#now();
    return [...this.#peers.values()].toSorted((a, b) => scoreOf(b, now) - scoreOf(a, now));
  }

  #now(): number {
    return Math.floor(this.#clock.now() / 1_000);
  }

  #upToDate(machine: MachineId, address: string, now: number): CachedPeer {
    const known = this.#peers.get(keyOf(machine, address));
    if (!known) return { machine, address, good: 0, bad: 0, updatedAt: now };
    const decay = 0.5 ** (Math.max(0, now - known.updatedAt) / HALF_LIFE_SECS);
    return { ...known, good: known.good * decay, bad: known.bad * decay, updatedAt: now };
  }

  #keep(peer: CachedPeer): void {
    const key = keyOf(peer.machine, peer.address);
    const fresh = !this.#peers.has(key);
    this.#peers.set(key, peer);
    const gone = fresh ? this.#surplus(peer) : [];
    for (const other of gone) this.#peers.delete(other);
    try {
      this.#store.batch([{ key, value: toRecord(peer) }, ...gone.map((other) => ({ key: other, value: null }))], 'relaxed');
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#log.write('debug', 'the peer cache is kept in memory only', { error: error.message });
    }
  }

  /** What has to make room for a new one: the worst of its machine, of its host, of all. It may be itself. */
  #surplus(newcomer: CachedPeer): string[] {
    const worstOf = (peers: readonly CachedPeer[], most: number): string[] =>
      peers.slice(most).map(({ machine, address }) => keyOf(machine, address));
    const all = this.all();
    const host = hostOf(newcomer.address);
    const ofMachine = all.filter(({ machine }) => machine === newcomer.machine);
    const ofHost = isPubliclyRoutable(newcomer.address) ? all.filter(({ address }) => hostOf(address) === host) : [];
    return [...new Set([...worstOf(ofMachine, MAX_OF_MACHINE), ...worstOf(ofHost, MAX_OF_HOST), ...worstOf(all, MAX_CACHED)])];
  }
}

const keyOf = (machine: MachineId, address: string): string => `${CACHED}${machine}/${address}`;
