/** Stochastic properties: no bare retry, but a sequential test that says how many more trials it needs. */
import { z } from 'zod';
import { SequentialTest } from '../checkers/sequential.ts';
import { type Observations, observationsSchema } from '../claim.ts';
import { type JsonPointer, show, valueAt } from '../json.ts';
import { fails, inconclusive, judged, pass, type Predicate } from './predicate.ts';
import { picksObservation } from './recorded.ts';

export interface SucceedsAtRate {
  /** one observation a trial, in any number */
  readonly trials: Observations;
  /** into `data`, at true or false */
  readonly success: JsonPointer;
  /** a rate that is good enough, and one that is not; the test tells them apart and is indifferent between them */
  readonly good: number;
  readonly bad: number;
  /** chances of refusing what is good and of accepting what is bad; 0.05 each when not given */
  readonly alpha?: number | undefined;
  readonly beta?: number | undefined;
}

const standardRisk = 0.05;
const rate = z.number().gt(0).lt(1);
const risk = z.number().gt(0).max(0.5).optional();

export const succeedsAtRate: Predicate<SucceedsAtRate> = {
  name: 'succeeds-at-rate',
  params: z
    .strictObject({ trials: observationsSchema, success: z.string(), good: rate, bad: rate, alpha: risk, beta: risk })
    .refine(({ good, bad }) => bad < good, 'bad must be under good'),
  start({ trials, success, good, bad, alpha = standardRisk, beta = standardRisk }) {
    const test = new SequentialTest({ good, bad, alpha, beta });
    const failures: number[] = [];
    let strange: number | undefined;
    let value: unknown;
    return {
      interest: { types: ['observe'] },
      line(line) {
        if (line.type !== 'observe' || test.decided || !picksObservation(trials, line)) return;
        value = valueAt(line.data, success);
        if (typeof value !== 'boolean') strange ??= line.seq;
        else {
          test.add(value);
          if (!value) failures.push(line.seq);
        }
      },
      result() {
        if (strange !== undefined) return inconclusive('harness', `a trial whose success is ${show(value)}`, [strange]);
        if (test.trials === 0) return judged('unverified', 'harness', 'nothing was tried');
        const counted = `${test.successes} of ${test.trials} trials succeeded`;
        if (test.decided === 'good') return pass(`${counted}: at least ${good} (against ${bad}, risks ${alpha} and ${beta})`, failures);
        if (test.decided === 'bad') return fails(`${counted}: not ${good} (rather ${bad} or less, risks ${alpha} and ${beta})`, failures);
        return inconclusive('harness', `${counted}: undecided between ${good} and ${bad}, needs ${test.needed} more runs if all succeed`, failures);
      },
    };
  },
};
