import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { slopeOf, studentQuantile } from './slope.ts';

const seeded = { seed: 20261121, numRuns: 300 };

it.each([
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2
  [0.975, 1, 12.706],
  [0.975, 5, 2.571],
  [0.995, 10, 3.169],
  [0.95, 30, 1.697],
  [0.975, 1_000, 1.962],
])('knows Student’s t at %d with %d degrees of freedom', (probability, freedom, expected) => {
  expect(studentQuantile(probability, freedom)).toBeCloseTo(expected, 3);
});

it('is the least of all sums of squares', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 5, maxLength: 20 }), (values) => {
      const times = values.map((_, index) => index * index + index);
      const found = slopeOf(times, values, 0.95);
      if (!found) return;
      const squares = (slope: number) => {
        const offset = values.reduce((sum, value, index) => sum + value - slope * times[index]!, 0) / values.length;
        return values.reduce((sum, value, index) => sum + (value - slope * times[index]! - offset) ** 2, 0);
      };
      const least = squares(found.slope);
      for (const step of [1e-3, -1e-3, 0.1, -0.1]) expect(squares(found.slope + step)).toBeGreaterThanOrEqual(least - 1e-6 * (1 + least));
      expect(found.low).toBeLessThanOrEqual(found.slope);
      expect(found.high).toBeGreaterThanOrEqual(found.slope);
    }),
    seeded,
  );
});

/** Normal numbers from a fixed seed (Mulberry32, Box–Muller). */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

it.each([
  ['independent noise', 0],
  ['noise in which each sample resembles the one before', 0.7],
])('holds the true slope as often as it says, in %s', (_, memory) => {
  const next = normals(7);
  let held = 0;
  for (let round = 0; round < 400; round++) {
    let noise = 0;
    const values = Array.from({ length: 100 }, (_unused, index) => 5 + 0.02 * index + (noise = memory * noise + next()));
    const { low, high } = slopeOf(values.map((_unused, index) => index), values, 0.95)!; // prettier-ignore
    if (low <= 0.02 && 0.02 <= high) held += 1;
  }
  expect(held / 400).toBeGreaterThan(0.9);
  expect(held / 400).toBeLessThan(0.99);
});

it('says nothing about too little', () => {
  expect(slopeOf([1, 2, 3, 4], [1, 2, 3, 4], 0.95)).toBeUndefined();
  expect(slopeOf([1, 1, 1, 1, 1], [1, 2, 3, 4, 5], 0.95)).toBeUndefined();
});
