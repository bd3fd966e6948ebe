import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { SequentialTest } from './sequential.ts';

const seeded = { seed: 20261121, numRuns: 500 };
const given = { good: 0.99, bad: 0.9, alpha: 0.05, beta: 0.05 };

it('agrees with the ratio of likelihoods, multiplied out', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60, size: 'max' }), fc.constantFrom(0.5, 0.9, 0.95), (trials, good) => {
      const hypotheses = { ...given, good, bad: good - 0.2 };
      const test = new SequentialTest(hypotheses);
      let decided: string | undefined;
      for (const [index, success] of trials.entries()) {
        test.add(success);
        const seen = trials.slice(0, index + 1);
        const likelihood = (rate: number) => seen.reduce((product, one) => product * (one ? rate : 1 - rate), 1);
        const ratio = likelihood(hypotheses.bad) / likelihood(hypotheses.good);
        if (ratio <= 0.05 / 0.95) decided ??= 'good';
        else if (ratio >= 0.95 / 0.05) decided ??= 'bad';
        expect(test.decided).toBe(decided);
      }
      const { needed } = test;
      for (let n = 0; n < needed - 1; n++) test.add(true);
      if (needed > 0) expect(test.decided).toBeUndefined();
      test.add(true);
      if (needed > 0) expect(test.decided).toBe('good');
    }),
    seeded,
  );
});

it('errs no more often than it says', () => {
  let state = 1;
  const uniform = () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return (state >>> 0) / 2 ** 32;
  };
  const refused = (rate: number) => {
    let count = 0;
    for (let round = 0; round < 1_000; round++) {
      const test = new SequentialTest(given);
      while (!test.decided) test.add(uniform() < rate);
      if (test.decided === 'bad') count += 1;
    }
    return count / 1_000;
  };
  expect(refused(0.99)).toBeLessThan(0.07);
  expect(refused(0.9)).toBeGreaterThan(0.93);
});
