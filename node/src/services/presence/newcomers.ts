/**
 * Whoever comes says so to everybody. A thousand who come together would be a thousand words at once: who hears that many come waits for its turn.
 * Nobody knows how many still wait; that each listens again before it speaks bounds what everybody hears, as on a shared wire (CSMA).
 */
import type { Clock, Random } from '../../ports/index.ts';

/** first words that were heard count for so long; more than this many of them are a crowd */
const RECENT_MS = 10_000;
const CROWD = 100;
/** after so long nobody waits any more: then its beacon would be due in any network */
const MOST_MS = 100_000;

export class Newcomers {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #begun: number;
  /** when the latest first words came; the oldest shows whether so many are recent */
  readonly #heard: number[] = [];

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#begun = clock.monotonic();
  }

  /** Somebody gave the first beacon of its run. */
  heard(): void {
    this.#heard.push(this.#clock.monotonic());
    if (this.#heard.length > CROWD) this.#heard.shift();
  }

  /** ms after which this node is to ask again whether it may say its first word; 0: now. */
  turn(): number {
    const now = this.#clock.monotonic();
    const crowded = this.#heard.length === CROWD && this.#heard[0]! > now - RECENT_MS;
    return crowded && now - this.#begun < MOST_MS ? RECENT_MS * (0.5 + this.#random.next()) : 0;
  }
}
