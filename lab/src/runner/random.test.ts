import { assert, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from './random.ts';

test('the same seed and purpose give the same sequence; another purpose another one', () => {
  const law = property(string(), string(), (seed, purpose) => {
    const [left, right] = [seededRandom(seed, purpose), seededRandom(seed, purpose)];
    expect([left.next(), left.integer(1000), left.bytes(40)]).toEqual([right.next(), right.integer(1000), right.bytes(40)]);
    expect(seededRandom(seed, purpose).bytes(16)).not.toEqual(seededRandom(seed, `${purpose}'`).bytes(16));
  });
  assert(law, { seed: 20261121 });
});

test('numbers stay in their range and spread over it', () => {
  const random = seededRandom('7', 'spread');
  const counts = Array.from({ length: 10 }, () => 0);
  for (let n = 0; n < 10_000; n++) counts[random.integer(10)]! += 1;
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1150);
  expect(() => random.pick([])).toThrow(RangeError);
});
