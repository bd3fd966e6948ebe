import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fewest, least } from './fewest.ts';

const SEED = 20261121;

test('what it needs is what is left, however much there was beside it', async () => {
  const cases = fc
    .integer({ min: 0, max: 60 })
    .chain((count) => fc.tuple(fc.constant(count), fc.subarray(Array.from({ length: count }, (_, n) => n))));
  await fc.assert(
    fc.asyncProperty(cases, async ([count, needed]) => {
      const left = await fewest(Array.from({ length: count }, (_, n) => n), async (kept) => needed.every((one) => kept.includes(one))); // prettier-ignore
      expect(left).toEqual(needed);
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test('of several ways to fail one is left, and nothing in it can go alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }), async (ways) => {
      const fails = (kept: readonly number[]): boolean => ways.some((way) => way.every((one) => kept.includes(one)));
      const left = await fewest(Array.from({ length: 31 }, (_, n) => n), async (kept) => fails(kept)); // prettier-ignore
      expect(fails(left)).toBe(true);
      for (const index of left.keys()) expect(fails(left.toSpliced(index, 1))).toBe(false);
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test('one of many is found in few steps', async () => {
  let asked = 0;
  await fewest(Array.from({ length: 1_024 }, (_, n) => n), async (kept) => (asked++, kept.includes(777))); // prettier-ignore
  expect(asked).toBeLessThan(25);
});

test('the least number is found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 1_000 }), fc.integer({ min: 2, max: 1_000 }), async (needed, most) => {
      expect(await least(2, Math.max(needed, most), async (value) => value >= needed)).toBe(needed);
    }),
    { seed: SEED, numRuns: 100 },
  );
});
