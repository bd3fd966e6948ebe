/**
 * A disk of a simulated machine. A batch is durable once it was synced, or one after it was; until then a machine that loses its power
 * loses it, from some batch on: the log is ordered, and what was written in part only is found torn, and counts as not written.
 */
import { StoreError } from '@muster/node';
import type { Durability, Range, Store, Write } from '@muster/node';
import type { Chance } from '../chance.ts';
import { compareKeys, SortedRows } from './sorted-rows.ts';
import type { ValuePool } from './value-pool.ts';

/** bytes that a row takes besides its key and value */
const ROW_BYTES = 16;
/** batches not synced yet, before the disk does so by itself (as the checkpoints of a real store do) */
const MAX_UNSYNCED = 256;

export interface DiskQuality {
  /** ms that a sync takes, during which the node does nothing else */
  readonly syncMs: number;
  /** the disk is full beyond this */
  readonly maxBytes: number;
}

export interface DiskParts {
  readonly chance: Chance;
  readonly pool: ValuePool;
  readonly quality?: DiskQuality;
  /** told of each batch, synced or not */
  readonly wrote?: (writes: number, bytes: number, durability: Durability) => void;
}

/** What takes a write back. */
type Undo = readonly Write[];

export class Disk {
  quality: DiskQuality;
  readonly #parts: DiskParts;
  readonly #rows = new SortedRows();
  readonly #unsynced: Undo[] = [];
  /** what came of the writes so far: batches refused because it is full, syncs that took long, batches that grew it, syncs */
  readonly counts = { refused: 0, slow: 0, grown: 0, synced: 0 };
  #bytes = 0;

  constructor(parts: DiskParts) {
    this.#parts = parts;
    this.quality = parts.quality ?? { syncMs: 0, maxBytes: Infinity };
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** batches that a power cut may take */
  get unsynced(): number {
    return this.#unsynced.length;
  }

  /** A store on it, for one life of a process; `busy` is told how long a sync keeps that from everything else. */
  open(busy: (ms: number) => void): Store {
    let open = true;
    const opened = (): void => {
      if (!open) throw new StoreError('closed', 'the store is closed');
    };
    return {
      get: (key) => (opened(), this.#rows.get(key)?.slice()),
      range: (range) => (opened(), this.#range(range)),
      count: (prefix) => (opened(), this.#count(prefix)),
      batch: (writes, durability) => {
        opened();
        this.#batch(writes, durability, busy);
      },
      close: () => void (open = false),
    };
  }

  /** The machine went dark: of what was not synced, the first part stays, how much is chance. @returns batches lost */
  losePower(): number {
    const kept = this.#parts.chance.integer(this.#unsynced.length + 1);
    const lost = this.#unsynced.splice(kept);
    for (const undo of lost.toReversed()) this.#apply(undo);
    this.#unsynced.length = 0;
    return lost.length;
  }

  #batch(writes: readonly Write[], durability: Durability, busy: (ms: number) => void): void {
    for (const { key } of writes) {
      if (key === '' || !key.isWellFormed()) throw new TypeError('a key is a non-empty, well-formed string');
    }
    const grows = writes.some(({ value }) => value !== null);
    const undo = this.#apply(writes);
    if (grows && this.#bytes > this.quality.maxBytes) {
      this.#apply(undo);
      this.counts.refused++;
      throw new StoreError('full', 'the disk is full');
    }
    if (grows) this.counts.grown++;
    if (writes.length > 0) this.#unsynced.push(undo);
    if (durability === 'durable' || this.#unsynced.length > MAX_UNSYNCED) {
      this.#unsynced.length = 0;
      this.counts.synced++;
      if (this.quality.syncMs > 0) {
        this.counts.slow++;
        busy(this.quality.syncMs);
      }
    }
    const size = writes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
    this.#parts.wrote?.(writes.length, size, durability);
  }

  /** @returns what undoes it */
  #apply(writes: readonly Write[]): Undo {
    const undo: Write[] = [];
    for (const { key, value } of writes) {
      const before = this.#rows.get(key);
      undo.push({ key, value: before ?? null });
      if (before) this.#bytes -= key.length + before.length + ROW_BYTES;
      if (value === null) this.#rows.delete(key);
      else {
        this.#rows.set(key, this.#parts.pool.keep(value));
        this.#bytes += key.length + value.length + ROW_BYTES;
      }
    }
    return undo.reverse();
  }

  #range({ prefix, after, reverse = false, limit = Infinity }: Range): { key: string; value: Uint8Array }[] {
    const found: { key: string; value: Uint8Array }[] = [];
    const bounded = after !== undefined;
    const keys = reverse
      ? this.#rows.backward((key) => isBehind(key, prefix) || (bounded && compareKeys(key, after) >= 0))
      : this.#rows.forward((key) => compareKeys(key, prefix) >= 0 && (!bounded || compareKeys(key, after) > 0));
    for (const key of limit > 0 ? keys : []) {
      if (!key.startsWith(prefix)) break;
      found.push({ key, value: this.#rows.get(key)!.slice() });
      if (found.length >= limit) break;
    }
    return found;
  }

  #count(prefix: string): number {
    return this.#rows.count((key) => compareKeys(key, prefix) >= 0, (key) => isBehind(key, prefix)); // prettier-ignore
  }
}

/** Behind all keys with the prefix. */
function isBehind(key: string, prefix: string): boolean {
  return !key.startsWith(prefix) && compareKeys(key, prefix) > 0;
}
