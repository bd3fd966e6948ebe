import { expect, test } from 'vitest';
import { presence } from './presence/index.ts';
import { failures, proven, unexercised } from './whole-suite.test-helper.ts';

test('who is there is seen, and who is not, in time and through loss, and each requirement is really exercised', async () => {
  // Each scenario waits for deadlines in a world of its own: they wait together.
  // A flood, and what takes many trials, on virtual time only: see `simulated.test.ts`.
  const ids = presence.scenarios.map(({ id }) => id).filter((id) => !['presence/flood', 'presence/chance'].includes(id));
  const reports = await Promise.all(ids.map((id) => proven([presence], { selection: { grep: `^${id} ` } })));
  expect(reports.flatMap(failures)).toEqual([]);
  expect(unexercised(reports, [presence])).toEqual(['presence.by-chance', 'presence.flood', 'presence.flood-direct']);
}, 120_000);
