/** A part of the run took no longer than planned: about the lab and its machine, and so bookkeeping. */
import { z } from 'zod';
import { bootPart, bootPrefix, partsOf } from '../parts.ts';
import { fails, inconclusive, pass, type Predicate } from './predicate.ts';

interface WithinBudget {
  /** `boot`, or a suite's name */
  readonly part: string;
  /** ms */
  readonly limit: number;
}

export const withinBudget: Predicate<WithinBudget> = {
  name: 'within-budget',
  params: z.strictObject({ part: z.string(), limit: z.number().min(0) }),
  bookkeeping: true,
  start: ({ part, limit }, frame, seq) => ({
    interest: {},
    line() {},
    result() {
      const took = partsOf(frame, seq).find(({ name }) => name === part);
      if (!took) return inconclusive('harness', `the run has no part ${part}`);
      const prefix = part === bootPart ? bootPrefix : `${part}/`;
      const scenarios = [...frame.phases.keys()].filter((scenario) => scenario.startsWith(prefix));
      const evidence = scenarios.flatMap((scenario) => frame.phasesBefore(scenario, seq).slice(-1)).map((line) => line.seq);
      const ms = Math.round(took.ms);
      return took.ms <= limit ? pass(`${ms} ms, at most ${limit} ms`, evidence) : fails(`${ms} ms, not at most ${limit} ms`, evidence);
    },
  }),
};
