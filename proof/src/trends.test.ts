import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { regressions, trendOf, wilsonInterval } from './trends.ts';
import type { Status } from './verdict.ts';

const seeded = { seed: 20261121, numRuns: 500 };
const status = fc.constantFrom<Status[]>('pass', 'pass', 'pass', 'fail', 'crash', 'inconclusive', 'notrun', 'skipped');

it('counts passes, changes and the run since which a check fails, as reading the runs one by one does', () => {
  fc.assert(
    fc.property(fc.array(status, { maxLength: 12 }), (statuses) => {
      let [runs, passed, flips] = [0, 0, 0];
      let before: boolean | undefined;
      let since: string | undefined;
      for (const [index, one] of statuses.entries()) {
        if (one === 'notrun' || one === 'skipped') continue;
        const well = one === 'pass';
        runs += 1;
        if (well) passed += 1;
        if (before !== undefined && before !== well) flips += 1;
        since = well ? undefined : (since ?? `run-${index}`);
        before = well;
      }
      const trend = trendOf(statuses.map((one, index) => ({ runId: `run-${index}`, status: one })));
      expect({ runs: trend.runs, passed: trend.passed, flips: trend.flips, since: trend.failingSince }).toEqual({ runs, passed, flips, since });
    }),
    seeded,
  );
});

it('gives Wilson’s interval', () => {
  // Newcombe 1998, table I: 81 of 263 and 0 of 20
  expect(wilsonInterval(81, 263).map((one) => one.toFixed(4))).toEqual(['0.2553', '0.3662']);
  expect(wilsonInterval(0, 20).map((one) => one.toFixed(4))).toEqual(['0.0000', '0.1611']);
  expect(wilsonInterval(0, 0)).toEqual([0, 1]);
});

it('lets nothing that was green so often become anything else', () => {
  fc.assert(
    fc.property(
      fc.array(status, { maxLength: 6 }),
      fc.option(status, { nil: undefined }),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      (past, now, runs, asked) => {
        const found = regressions(new Map([['a/b/c', past]]), new Map(now ? [['a/b/c', now]] : []), () => asked, runs); // prettier-ignore
        const judged = past.filter((one) => one !== 'notrun' && one !== 'skipped');
        const held = judged.length >= runs && judged.slice(0, runs).every((one) => one === 'pass');
        expect(found).toEqual(held && asked && now !== 'pass' ? [{ check: 'a/b/c', status: now ?? 'absent' }] : []);
      },
    ),
    seeded,
  );
});
