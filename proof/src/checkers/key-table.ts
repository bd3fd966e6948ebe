/** Dense numbers for keys, in the order in which they are first seen, in a few bytes each: for histories of millions of messages. */

const firstCapacity = 1024;

/** Numbers for pairs of 32-bit numbers: 16 to 32 bytes a pair. */
export class PairTable {
  #slots = new Uint32Array(firstCapacity);
  #left = new Uint32Array(firstCapacity / 2);
  #right = new Uint32Array(firstCapacity / 2);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The pair's number, which it gets when it has none: 0, 1, 2 … */
  enter(left: number, right: number): number {
    const slot = this.#slotOf(left, right);
    const known = this.#slots[slot]!;
    if (known > 0) return known - 1;
    if ((this.#size + 1) * 2 > this.#slots.length) {
      this.#grow();
      return this.enter(left, right);
    }
    this.#left[this.#size] = left;
    this.#right[this.#size] = right;
    this.#slots[slot] = ++this.#size;
    return this.#size - 1;
  }

  /** The pair's number, or undefined when it has none. */
  find(left: number, right: number): number | undefined {
    const known = this.#slots[this.#slotOf(left, right)]!;
    return known > 0 ? known - 1 : undefined;
  }

  pair(number: number): readonly [left: number, right: number] {
    return [this.#left[number]!, this.#right[number]!];
  }

  #slotOf(left: number, right: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = mixed(left ^ Math.imul(right, 0x9e3779b1)) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]!;
      if (number === 0 || (this.#left[number - 1] === left && this.#right[number - 1] === right)) return slot;
    }
  }

  #grow(): void {
    const capacity = this.#slots.length * 2;
    this.#left = grown(this.#left, capacity / 2);
    this.#right = grown(this.#right, capacity / 2);
    this.#slots = new Uint32Array(capacity);
    for (let number = 0; number < this.#size; number++) this.#slots[this.#slotOf(this.#left[number]!, this.#right[number]!)] = number + 1;
  }
}

/**
 * Numbers for texts. A text is known by 64 bits of a hash seeded with what no target knows, so that none can make two
 * collide; by chance, of 10 million texts two do once in 370,000 runs.
 */
export class KeyTable {
  readonly #pairs = new PairTable();
  readonly #seeds: readonly [left: number, right: number];

  /** `seed`: the run's id, for one */
  constructor(seed: string) {
    this.#seeds = hashOf(seed, 0x9e3779b9, 0x243f6a88, (left, right) => [left, right]);
  }

  // Made once, not at each of millions of calls.
  readonly #enter = (left: number, right: number): number => this.#pairs.enter(left, right);
  readonly #find = (left: number, right: number): number | undefined => this.#pairs.find(left, right);

  get size(): number {
    return this.#pairs.size;
  }

  has(key: string): boolean {
    return hashOf(key, this.#seeds[0], this.#seeds[1], this.#find) !== undefined;
  }

  enter(key: string): number {
    return hashOf(key, this.#seeds[0], this.#seeds[1], this.#enter);
  }
}

/** 64 bits of a text in two halves, each finished as MurmurHash3 does. */
function hashOf<T>(text: string, leftSeed: number, rightSeed: number, use: (left: number, right: number) => T): T {
  let left = leftSeed | 0;
  let right = rightSeed | 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    left = Math.imul(left ^ unit, 0x5bd1e995);
    left ^= left >>> 15;
    right = Math.imul(right ^ unit, 0x1b873593);
    right ^= right >>> 15;
  }
  return use(mixed(left ^ text.length), mixed(right ^ text.length));
}

function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** The same numbers in a longer array. */
export function grown<A extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(from: A, length: number): A {
  const longer = new (from.constructor as new (length: number) => A)(length);
  longer.set(from);
  return longer;
}
