/**
 * Is an agent still there? An accrual detector (Hayashibara, Défago, Yared, Katayama 2004): suspicion φ grows with every beacon that should have come
 * and did not, φ = −log10 of the probability that a living agent would be this silent. Each beacon that is due may have been lost, with the
 * share that was lost so far (their numbers tell), or be late, as much as earlier ones were. Pure: times are passed in, ms of one monotonic clock.
 */

/** suspected from here on: one wrong verdict in 10^8 silences of a living agent */
const SUSPECTED = 8;
/** the same while there is a hint that it is gone */
const SUSPECTED_ON_HINT = 6;
/** a beacon that arrives this soon after a hint may have been sent before whatever the hint is about */
export const HINT_OUTLIVES_MS = 300;
/** beacons after which what was seen of loss and lateness counts a third */
const MEMORY = 50;
const FADE = 1 - 1 / MEMORY;
/** beliefs about loss before anything was seen, in beacons */
const PRIOR_LOST = 1;
const PRIOR_SEEN = 20;
const LEAST_LOSS = 0.05;
/** of what is asked for: it takes two ways, over a network that just lost a link */
const LEAST_LOSS_OF_ANSWERS = 0.1;
const MOST_LOSS = 0.5;
const MOST_LOST_AT_ONCE = 64;
/** how late a beacon may be without being remarkable, beside a twentieth of the interval */
const LEAST_LATENESS_MS = 100;
/** how long an agent that was asked takes to answer, and by how much that varies */
const ANSWER_MS = 1_000;
const ANSWER_LATENESS_MS = 300;
/** asks of the silence that are counted */
const MAX_ASKS = 32;

/** Silence after which it is suspected whatever φ says: what the settings allow, but never less than this many intervals. */
const LEAST_INTERVALS = 6;
/** ms between asks that count: an agent answers one at a time */
export const ASK_EVERY_MS = 1_500;

export class Detector {
  #last: number;
  #interval: number;
  #lost = 0;
  #seen = 1;
  /** mean square of how late beacons were, ms² */
  #lateness = 0;
  #asks: number[] = [];
  #hintedAt: number | undefined;

  /** The first beacon came at `at`; the next one follows within `interval` ms. */
  constructor(at: number, interval: number) {
    this.#last = at;
    this.#interval = interval;
  }

  /** when the last beacon came */
  get last(): number {
    return this.#last;
  }

  get hinted(): boolean {
    return this.#hintedAt !== undefined;
  }

  /** when it was last asked for a sign of life, in this silence */
  get askedAt(): number | undefined {
    return this.#asks.at(-1);
  }

  /** A beacon came; `step`: its number minus that of the one before, 1 when none was lost. */
  beacon(at: number, interval: number, step: number): void {
    const gap = at - this.#last;
    if (step === 1) this.#lateness = this.#lateness * FADE + Math.max(0, gap - this.#interval) ** 2 * (1 - FADE);
    this.#lost = this.#lost * FADE + Math.min(Math.max(step - 1, 0), MOST_LOST_AT_ONCE);
    this.#seen = this.#seen * FADE + 1;
    this.#last = Math.max(at, this.#last);
    this.#interval = interval;
    this.#asks = [];
    if (this.#hintedAt !== undefined && at > this.#hintedAt + HINT_OUTLIVES_MS) this.#hintedAt = undefined;
  }

  /** Something suggests that the agent is gone, a link that broke: less silence is needed until it speaks again. */
  hint(at: number): void {
    this.#hintedAt ??= at;
  }

  /** Somebody asked the agent for a beacon. More asks than it answers are not held against it. */
  asked(at: number): void {
    const before = this.askedAt;
    if (before !== undefined && at < before + ASK_EVERY_MS * 0.75) return;
    if (this.#asks.length < MAX_ASKS) this.#asks.push(at);
  }

  /** share of beacons that get lost, as far as is known */
  get loss(): number {
    const share = (this.#lost + PRIOR_LOST) / (this.#lost + this.#seen + PRIOR_SEEN);
    return Math.min(Math.max(share, LEAST_LOSS), MOST_LOSS);
  }

  phi(now: number): number {
    const late = Math.max(this.#interval * 0.05 + LEAST_LATENESS_MS, Math.min(Math.sqrt(this.#lateness), this.#interval));
    let phi = 0;
    const lossOfAnswers = Math.max(1 - (1 - this.loss) ** 2, LEAST_LOSS_OF_ANSWERS);
    for (const at of this.#asks) phi += missing(now - at - ANSWER_MS, Math.min(Math.max(late, ANSWER_LATENESS_MS), ANSWER_MS), lossOfAnswers);
    for (let due = this.#last + this.#interval; due < now + 3 * late && phi < 2 * SUSPECTED; due += this.#interval)
      phi += missing(now - due, late, this.loss);
    return phi;
  }

  /** `longest`: ms of silence after which it is not alive, whatever φ says */
  alive(now: number, longest: number): boolean {
    if (now - this.#last > Math.max(longest, LEAST_INTERVALS * this.#interval)) return false;
    return this.phi(now) < (this.hinted ? SUSPECTED_ON_HINT : SUSPECTED);
  }
}

/** −log10 of the probability that something is not here yet, `overdue` ms after it was due. The tail of the normal distribution, by a logistic curve. */
function missing(overdue: number, late: number, loss: number): number {
  const later = 1 / (1 + Math.exp((1.702 * overdue) / late));
  return -Math.log10(loss + (1 - loss) * later);
}
