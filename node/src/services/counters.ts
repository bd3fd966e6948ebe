/** Named monotonic counters with labels, read by `/metrics`. One instance per node. */
export class Counters {
  readonly #values = new Map<string, number>();

  add(name: string, by = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + by);
  }

  get(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  /** every counter, sorted by name */
  entries(): [string, number][] {
    return [...this.#values].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}
