import { expect, test } from 'vitest';
import { presence } from './presence/index.ts';
import { failures, proven, simulated, unexercised } from './whole-suite.test-helper.ts';

test('who is there is seen, and who is not, in time and through loss, and each requirement is really exercised', async () => {
  // Each scenario waits for deadlines in a world of its own: they wait together.
  // A flood, and what takes many trials, on virtual time only: see `simulated.test.ts`.
  const ids = presence.scenarios.map(({ id }) => id).filter((id) => !['presence/flood', 'presence/chance'].includes(id));
  const reports = await Promise.all(ids.map((id) => proven([presence], { selection: { grep: `^${id} ` } })));
  expect(reports.flatMap(failures)).toEqual([]);
  expect(unexercised(reports, [presence])).toEqual(['presence.by-chance', 'presence.flood', 'presence.flood-direct']);
}, 120_000);

test('where fewer searches are allowed than it takes to tell chance from a fault, how many more it needs is said', async () => {
  const report = await simulated([presence], { selection: { grep: '^presence/chance ' }, settings: { trials: 4 } });
  expect(report.verdict.rows.find(({ id }) => id === 'presence/chance/found')).toMatchObject({
    status: 'inconclusive',
    blame: 'harness',
    message: expect.stringMatching(/of 4 trials succeeded: undecided between 0.5 and 0.3, needs \d+ more runs if all succeed/u) as string,
  });
});
