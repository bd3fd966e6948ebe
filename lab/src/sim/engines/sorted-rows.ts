/** Rows in the order of their keys' UTF-8 bytes, in chunks short enough to insert into. */
const CHUNK = 512;
/** the first UTF-16 unit that sorts elsewhere in UTF-8 */
const FIRST_SURROGATE = 0xd800;

export class SortedRows {
  readonly #values = new Map<string, Uint8Array>();
  #chunks: string[][] = [];

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Uint8Array): void {
    if (!this.#values.has(key)) this.#insert(key);
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (!this.#values.delete(key)) return;
    const chunk = this.#chunkOf(key);
    const keys = this.#chunks[chunk]!;
    keys.splice(placeOf(keys, key), 1);
    if (keys.length === 0) this.#chunks.splice(chunk, 1);
  }

  /** Keys in order, from the first one that is `there`: false for all before it, true for all behind. */
  *forward(there: (key: string) => boolean): Generator<string, void, undefined> {
    for (let [chunk, at] = this.#find(there); chunk < this.#chunks.length; chunk++, at = 0) {
      const keys = this.#chunks[chunk]!;
      for (; at < keys.length; at++) yield keys[at]!;
    }
  }

  /** Keys in reverse order, from the last one that is not `there`. */
  *backward(there: (key: string) => boolean): Generator<string, void, undefined> {
    for (let [chunk, at] = this.#find(there); chunk >= 0; chunk--, at = this.#chunks[chunk]?.length ?? 0) {
      const keys = this.#chunks[chunk] ?? [];
      for (at--; at >= 0; at--) yield keys[at]!;
    }
  }

  /** keys from the first that is `from` to the last that is not `to` */
  count(from: (key: string) => boolean, to: (key: string) => boolean): number {
    const [first, at] = this.#find(from);
    const [last, end] = this.#find(to);
    let count = end - at;
    for (let chunk = first; chunk < last; chunk++) count += this.#chunks[chunk]!.length;
    return count;
  }

  #find(there: (key: string) => boolean): [chunk: number, at: number] {
    const chunk = search(this.#chunks.length, (index) => there(this.#chunks[index]!.at(-1)!));
    const keys = this.#chunks[chunk];
    return [chunk, keys ? search(keys.length, (index) => there(keys[index]!)) : 0];
  }

  #insert(key: string): void {
    if (this.#chunks.length === 0) return void this.#chunks.push([key]);
    const chunk = this.#chunkOf(key);
    const keys = this.#chunks[chunk]!;
    keys.splice(placeOf(keys, key), 0, key);
    if (keys.length > CHUNK) this.#chunks.splice(chunk + 1, 0, keys.splice(CHUNK / 2));
  }

  /** the chunk that holds the key, or would */
  #chunkOf(key: string): number {
    return Math.min(
      search(this.#chunks.length, (index) => compareKeys(this.#chunks[index]!.at(-1)!, key) >= 0),
      this.#chunks.length - 1,
    );
  }
}

const placeOf = (keys: readonly string[], key: string): number => search(keys.length, (index) => compareKeys(keys[index]!, key) >= 0);

/** The first of `count` for which `holds`, which it does for all behind it; `count` when for none. */
function search(count: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** As their UTF-8 bytes compare. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [one, other] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (one === other) continue;
    // Surrogates stand for what lies beyond all other units.
    if (one >= FIRST_SURROGATE && other >= FIRST_SURROGATE && one <= 0xdfff !== other <= 0xdfff) return one <= 0xdfff ? 1 : -1;
    return one - other;
  }
  return a.length - b.length;
}
