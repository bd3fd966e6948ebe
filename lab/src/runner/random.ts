/** Chance that can be repeated: everything follows from the run's seed and the scenario's id. */
import { createHash } from 'node:crypto';

export interface SeededRandom {
  /** uniform in [0, 1) */
  next(): number;
  /** uniform integer in [0, below) */
  integer(below: number): number;
  bytes(length: number): Uint8Array;
  pick<T>(items: readonly T[]): T;
}

/** Same seed and purpose, same sequence (SHA-256 in counter mode). */
export function seededRandom(seed: string, purpose: string): SeededRandom {
  let block: Buffer = Buffer.alloc(0);
  let used = 0;
  let counter = 0;
  const byte = (): number => {
    if (used === block.length) {
      block = createHash('sha256').update(`muster-lab-random-v1\0${seed}\0${purpose}\0${counter++}`).digest();
      used = 0;
    }
    return block[used++]!;
  };
  const next = (): number => {
    let value = 0;
    for (let n = 0; n < 6; n++) value = value * 256 + byte();
    return value / 2 ** 48;
  };
  const integer = (below: number): number => Math.floor(next() * below);
  return {
    next,
    integer,
    bytes: (length) => Uint8Array.from({ length }, byte),
    pick(items) {
      if (items.length === 0) throw new RangeError('nothing to pick from');
      return items[integer(items.length)]!;
    },
  };
}
