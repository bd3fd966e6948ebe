/** Named monotonic counters with labels, read by `/metrics`. One instance per node. */
export class Counters {
  readonly #values = new Map<string, { count: number }>();

  add(name: string, by = 1): void {
    const value = this.#values.get(name);
    if (value) value.count += by;
    else this.#values.set(name, { count: by });
  }

  get(name: string): number {
    return this.#values.get(name)?.count ?? 0;
  }

  /** every counter, sorted by name */
  entries(): [string, number][] {
    return [...this.#values].map(([name, { count }]): [string, number] => [name, count]).toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}
