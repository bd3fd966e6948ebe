/**
 * What a bad path does to a byte stream: it arrives late, unevenly, slowly, and after pauses where segments were lost and sent again.
 * Bytes never overtake one another, vanish nor come twice: below a stream, TCP repairs that. What is left of a segment that was lost or
 * overtaken is that those behind it wait, and of one that came twice that it took up the path twice.
 */
import { createHash, type Hash } from 'node:crypto';
import type { SeededRandom } from '../runner/random.ts';

export interface LinkConditions {
  /** ms one way */
  readonly delayMs?: number;
  /** ms on top, uniform from 0 */
  readonly jitterMs?: number;
  /** share of segments lost, 0–1 */
  readonly loss?: number;
  /** share of segments that are overtaken, 0–1: they take up to three times as long */
  readonly reordering?: number;
  /** share of segments that are sent twice, 0–1 */
  readonly duplication?: number;
  readonly bytesPerSecond?: number;
}

export interface ShapingRecord {
  readonly chunks: number;
  readonly bytes: number;
  /** segments that were sent again, once or more */
  readonly lost: number;
  readonly overtaken: number;
  readonly doubled: number;
  readonly worst_delay_ms: number;
  /** SHA-256 over every decision, in order: the same seed and chunks give the same */
  readonly decisions: string;
}

const SEGMENT_BYTES = 1_460;
/** RTO of Linux on a fast path; doubles with each loss of the same segment */
const RETRANSMIT_MS = 200;
const MOST_RETRANSMITS = 6;
/** of a segment that is overtaken, in times its delay */
const LONGEST_DETOUR = 2;

/** One direction of one link. */
export class LinkShaper {
  readonly #conditions: LinkConditions;
  readonly #random: SeededRandom;
  readonly #log: (decision: string) => void;
  readonly #hash: Hash = createHash('sha256');
  #sentUntil = 0;
  #arrivedUntil = 0;
  #record = { chunks: 0, bytes: 0, lost: 0, overtaken: 0, doubled: 0, worst_delay_ms: 0 };

  /** `log` gets each decision as one line: number, bytes, ms of delay, segments lost, overtaken, doubled. @throws RangeError for conditions that no path has */
  constructor(conditions: LinkConditions, random: SeededRandom, log: (decision: string) => void = () => undefined) {
    const { delayMs = 0, jitterMs = 0, loss = 0, reordering = 0, duplication = 0, bytesPerSecond = Infinity } = conditions;
    if (!(delayMs >= 0 && jitterMs >= 0)) throw new RangeError('delay and jitter are 0 ms or more');
    if (!(loss >= 0 && loss < 1)) throw new RangeError('loss is a share from 0 to below 1');
    if (!(reordering >= 0 && reordering <= 1)) throw new RangeError('reordering is a share from 0 to 1');
    if (!(duplication >= 0 && duplication <= 1)) throw new RangeError('duplication is a share from 0 to 1');
    if (!(bytesPerSecond > 0)) throw new RangeError('a link carries more than 0 bytes a second');
    this.#conditions = conditions;
    this.#random = random;
    this.#log = log;
  }

  /** When a chunk that comes at `now` (ms, monotonic) arrives at the other end: never before those ahead of it. */
  arrival(bytes: number, now: number): number {
    const { delayMs = 0, jitterMs = 0, loss = 0, reordering = 0, duplication = 0, bytesPerSecond = Infinity } = this.#conditions;
    let [lost, overtaken, doubled] = [0, 0, 0];
    let sent = bytes;
    let repaired = 0;
    let detour = 0;
    for (let from = 0; from < bytes; from += SEGMENT_BYTES) {
      let waited = 0;
      if (loss > 0) for (let times = 0; times < MOST_RETRANSMITS && this.#random.next() < loss; times++) waited += RETRANSMIT_MS * 2 ** times;
      if (waited > 0) lost++;
      repaired = Math.max(repaired, waited);
      if (reordering > 0 && this.#random.next() < reordering) {
        overtaken++;
        detour = Math.max(detour, LONGEST_DETOUR * this.#random.next());
      }
      if (duplication > 0 && this.#random.next() < duplication) {
        doubled++;
        sent += Math.min(SEGMENT_BYTES, bytes - from);
      }
    }
    this.#sentUntil = Math.max(this.#sentUntil, now) + (sent / bytesPerSecond) * 1_000;
    const jitter = jitterMs > 0 ? this.#random.next() * jitterMs : 0;
    const late = (delayMs + jitter) * (1 + detour) + repaired;
    this.#arrivedUntil = Math.max(this.#arrivedUntil, this.#sentUntil + late);
    const decision = `${this.#record.chunks} ${bytes} ${late.toFixed(3)} ${lost} ${overtaken} ${doubled}`;
    this.#hash.update(`${decision}\n`);
    this.#log(decision);
    this.#record.chunks++;
    this.#record.bytes += bytes;
    this.#record.lost += lost;
    this.#record.overtaken += overtaken;
    this.#record.doubled += doubled;
    this.#record.worst_delay_ms = Math.max(this.#record.worst_delay_ms, Math.round(this.#arrivedUntil - now));
    return this.#arrivedUntil;
  }

  get record(): ShapingRecord {
    return { ...this.#record, decisions: this.#hash.copy().digest('hex') };
  }
}
