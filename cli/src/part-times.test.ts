import { expect, test } from 'vitest';
import { partsLine, partTimes } from './part-times.ts';

test('parts stand beside their budgets, and what took longer is named', () => {
  const parts = partTimes([{ name: 'boot', ms: 612.4 }, { name: 'stress', ms: 3_100 }, { name: 'durability', ms: 2_040 }], { boot: 1_500, stress: 3_000 }); // prettier-ignore
  expect(parts).toEqual([{ name: 'boot', ms: 612, budgetMs: 1_500 }, { name: 'stress', ms: 3_100, budgetMs: 3_000 }, { name: 'durability', ms: 2_040 }]); // prettier-ignore
  expect(partsLine(parts)).toBe('took: boot 0.6 of 1.5 s, stress 3.1 of 3.0 s (over budget), durability 2.0 s');
});
