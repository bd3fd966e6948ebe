/**
 * Whoever comes says so to everybody. A thousand who come together would be a thousand words at once: who hears that many come waits for its turn.
 * Nobody knows how many still wait; that each listens again before it speaks bounds what everybody hears, as on a shared wire (CSMA).
 */
import type { AgentId } from '@muster/protocol';
import type { Clock, Random } from '../../ports/index.ts';
import { remember } from '../remember.ts';

/** first words that were heard count for so long; those of this many agents are a crowd */
const RECENT_MS = 10_000;
const CROWD = 100;
/** after so long nobody waits any more: then its beacon would be due in any network */
const MOST_MS = 100_000;

export class Newcomers {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #begun: number;
  /** when the latest first words came, each agent's last one, oldest first: that shows whether so many are recent */
  readonly #heard = new Map<AgentId, number>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#begun = clock.monotonic();
  }

  /** It gave the first beacon of its run, just now. However often one agent begins, it is no crowd. */
  heard(agent: AgentId): void {
    remember(this.#heard, agent, this.#clock.monotonic(), CROWD);
  }

  /** So many came that the next one waits, but not for ever. */
  get crowded(): boolean {
    const now = this.#clock.monotonic();
    return this.#heard.size === CROWD && this.#heard.values().next().value! > now - RECENT_MS && now - this.#begun < MOST_MS;
  }

  /** ms after which this node is to ask again whether it may say its first word; 0: now. */
  turn(): number {
    return this.crowded ? RECENT_MS * (0.5 + this.#random.next()) : 0;
  }
}
