/** How many messages of a topic came since some moment, also of those that are gone: counted in slots of time, of late short ones. */
import { COUNT_SLOT_MS, COUNT_SLOTS, FINE_SLOT_MS, FINE_SLOTS } from './limits.ts';

interface Slot {
  readonly index: number;
  /** when its first and its last one came */
  readonly first: number;
  last: number;
  /** how many came before it */
  readonly before: number;
}

export class Arrivals {
  readonly #fine: Slot[] = [];
  readonly #coarse: Slot[] = [];
  #total = 0;

  add(at: number): void {
    this.#tally(this.#fine, FINE_SLOT_MS, FINE_SLOTS, at);
    this.#tally(this.#coarse, COUNT_SLOT_MS, COUNT_SLOTS, at);
    this.#total++;
  }

  /** How many came since then, as far as that is certain: never more than did, and never none if there were any. */
  since(at: number): number {
    const isFine = this.#fine.length < FINE_SLOTS || this.#fine[0]!.first <= at;
    const slots = isFine ? this.#fine : this.#coarse;
    const index = slots.findIndex(({ last }) => last >= at);
    if (index === -1) return 0;
    const { first, before } = slots[index]!;
    if (first >= at) return this.#total - before;
    // Of a slot that began earlier only the last one is certain.
    return this.#total - (slots[index + 1]?.before ?? this.#total) + 1;
  }

  #tally(slots: Slot[], length: number, most: number, at: number): void {
    const index = Math.floor(at / length);
    const latest = slots.at(-1);
    if (latest?.index === index) latest.last = at;
    else slots.push({ index, first: at, last: at, before: this.#total });
    if (slots.length > most) slots.shift();
  }
}
