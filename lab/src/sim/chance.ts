/** Chance of a simulation: one tree of generators that grows from the seed. Drawing from one branch never changes what another one gives. */
import { createHash } from 'node:crypto';
import type { Random } from '@muster/node';

export class Chance implements Random {
  readonly #path: string;
  readonly #state: Uint32Array;

  /** `path` begins with the seed; equal paths give equal sequences */
  constructor(path: string) {
    this.#path = path;
    const digest = createHash('sha256').update(`muster-sim-chance-v1\0${path}`).digest();
    this.#state = Uint32Array.from({ length: 4 }, (_, index) => digest.readUInt32LE(index * 4));
  }

  /** the generator of a node, or of one purpose; the same for the same name, however much was drawn before */
  child(name: string): Chance {
    return new Chance(`${this.#path}\0${name}`);
  }

  /** 32 random bits (xoshiro128**, Blackman and Vigna 2018) */
  bits(): number {
    const state = this.#state as Uint32Array & [number, number, number, number];
    const product = Math.imul(state[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = (state[3] << 11) | (state[3] >>> 21);
    return result >>> 0;
  }

  /** uniform in [0, 1) */
  next(): number {
    return (this.bits() * 2 ** 21 + (this.bits() >>> 11)) / 2 ** 53;
  }

  /** true with this probability; draws nothing for 0 */
  happens(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** uniform integer in [0, below) */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.bits() >>> 24;
    return bytes;
  }

  /** `count` different ones, in the order drawn; all of them when there are fewer */
  sample<T>(items: readonly T[], count: number): T[] {
    const rest = [...items];
    return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(this.integer(rest.length), 1)[0]!);
  }
}
