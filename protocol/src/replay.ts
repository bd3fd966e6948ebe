/** Remembers ids until they are stale, so that nothing is accepted twice. */

export type ReplayVerdict =
  | 'fresh'
  | 'replay'
  | 'expired' // already stale: not remembered, so not acceptable either
  | 'full'; // no room to remember it: refused, because forgetting another would let that one in again

export interface ReplayWindowOptions {
  /** ids remembered at most; each takes about 150 bytes */
  readonly capacity: number;
}

/** Ids are swept together when their bucket is over: removal costs nothing per message. */
const BUCKET_MS = 1_000;

/**
 * Memory is bounded by `capacity`. The only eviction is of ids that are stale; when none is, new ids are refused (`full`).
 * Time never goes back in here: after the clock is set back, what would have been swept already counts as `expired`.
 */
export class ReplayWindow {
  readonly counts: Record<ReplayVerdict, number> = { fresh: 0, replay: 0, expired: 0, full: 0 };
  readonly #capacity: number;
  readonly #ids = new Set<string>();
  readonly #buckets = new Map<number, string[]>();
  /** ids of buckets before this one are gone */
  #firstBucket = 0;

  constructor({ capacity }: ReplayWindowOptions) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#ids.size;
  }

  /** Only asks: lets duplicates be dropped before their signature is checked. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /**
   * Asks and remembers in one step, once the signature is checked: an id does not cover it, so remembering a forged
   * envelope would shut the real one out. `staleAfter` and `now` in ms since the epoch; the same id always has the same `staleAfter`.
   */
  seen(id: string, staleAfter: number, now: number): ReplayVerdict {
    const verdict = this.#judge(id, staleAfter, now);
    this.counts[verdict]++;
    return verdict;
  }

  #judge(id: string, staleAfter: number, now: number): ReplayVerdict {
    this.#sweep(now);
    const bucket = Math.floor(staleAfter / BUCKET_MS);
    if (now > staleAfter || bucket < this.#firstBucket) return 'expired';
    if (this.#ids.has(id)) return 'replay';
    if (this.#ids.size >= this.#capacity) return 'full';
    this.#ids.add(id);
    const ids = this.#buckets.get(bucket);
    if (ids) ids.push(id);
    else this.#buckets.set(bucket, [id]);
    return 'fresh';
  }

  #sweep(now: number): void {
    const current = Math.floor(now / BUCKET_MS);
    if (current <= this.#firstBucket) return;
    this.#firstBucket = current;
    for (const [bucket, ids] of this.#buckets) {
      if (bucket >= current) continue;
      for (const id of ids) this.#ids.delete(id);
      this.#buckets.delete(bucket);
    }
  }
}
