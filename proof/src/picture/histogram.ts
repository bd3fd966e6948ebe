/** Latencies in buckets that grow by a quarter of an octave: 19 % wide, from 0.1 ms to 28 minutes. */

const PER_OCTAVE = 4;
const LEAST_MS = 0.1;
const BUCKETS = 96;
const MOST_NAMES = 500;

export interface Histogram {
  /** capability */
  readonly op: string;
  readonly surface: string;
  readonly count: number;
  /** ms; upper ends of the buckets they lie in */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** number of the first bucket, then how many lie in it and in those that follow */
  readonly first: number;
  readonly counts: readonly number[];
}

/** ms at which a bucket ends */
export function bucketEnd(bucket: number): number {
  return LEAST_MS * 2 ** ((bucket + 1) / PER_OCTAVE);
}

export class Histograms {
  readonly #byName = new Map<string, { op: string; surface: string; counts: number[]; max: number }>();

  add(op: string, surface: string, ms: number): void {
    const name = `${op}\0${surface}`;
    const known = this.#byName.get(name) ?? { op, surface, counts: Array.from({ length: BUCKETS }, () => 0), max: 0 };
    if (this.#byName.size >= MOST_NAMES && !this.#byName.has(name)) return;
    this.#byName.set(name, known);
    const bucket = Math.ceil(Math.log2(Math.max(ms, LEAST_MS) / LEAST_MS) * PER_OCTAVE) - 1;
    known.counts[Math.min(BUCKETS - 1, Math.max(0, bucket))]!++;
    known.max = Math.max(known.max, ms);
  }

  /** Those used most first. */
  all(): Histogram[] {
    return [...this.#byName.values()]
      .map(({ op, surface, counts, max }): Histogram => {
        const count = counts.reduce((sum, each) => sum + each, 0);
        const at = (share: number): number => {
          let below = 0;
          const bucket = counts.findIndex((each) => (below += each) >= share * count);
          return Math.min(max, Math.round(bucketEnd(bucket) * 100) / 100);
        };
        const first = counts.findIndex((each) => each > 0);
        const last = counts.findLastIndex((each) => each > 0);
        return { op, surface, count, p50: at(0.5), p99: at(0.99), max, first, counts: counts.slice(first, last + 1) };
      })
      .toSorted((a, b) => b.count - a.count || (a.op < b.op ? -1 : 1));
  }
}
