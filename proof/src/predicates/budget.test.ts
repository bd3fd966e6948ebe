import { expect, it } from 'vitest';
import { claims } from '../claims.ts';
import { evaluate } from '../evaluate.ts';
import { TestJournal } from '../journal.test-helper.ts';
import { reportOf } from '../report.ts';

function timed() {
  const journal = new TestJournal().begin();
  const span = (scenario: string, ms: number) => {
    journal.write({ type: 'phase', scenario, phase: 'setup', event: 'begin' });
    journal.after(ms).write({ type: 'phase', scenario, phase: 'setup', event: 'end' });
  };
  span('target/boot/shared', 700);
  span('smoke/one', 300);
  span('target/boot/alone', 500);
  journal.after(1_000);
  span('smoke/two', 450);
  return journal;
}

it('sums what a part took over its scenarios, without the time between them', async () => {
  const journal = timed();
  expect(reportOf(await evaluate(() => [journal.lines])).parts).toEqual([
    { name: 'boot', ms: 1_200 },
    { name: 'smoke', ms: 750 },
  ]);
});

it('warns of a part that took longer than planned, on the account of the lab, and exercises nothing', async () => {
  const journal = timed();
  const should = { level: 'SHOULD', blame: 'lab' } as const;
  journal.check('run/budget/smoke', claims.withinBudget('smoke', 750), should);
  journal.check('run/budget/boot', claims.withinBudget('boot', 1_199), should);
  journal.check('run/budget/mesh', claims.withinBudget('mesh', 1), should);
  const { results } = await evaluate(() => [journal.lines]);
  expect(results.map(({ status, blame, exercised }) => [status, blame, exercised])).toEqual([
    ['pass', undefined, false],
    ['warn', 'lab', false],
    ['inconclusive', 'harness', false],
  ]);
  expect(results[1]?.message).toBe('1200 ms, not at most 1199 ms');
});
