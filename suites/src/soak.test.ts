import { expect, test } from 'vitest';
import { soak } from './soak/index.ts';
import { expectProven, failures, simulated } from './whole-suite.test-helper.ts';

test('a daemon in steady use is bounded, healthy and prompt, and each requirement is really exercised', async () => {
  await expectProven([soak(2)], { settings: { duration: 2 } });
}, 60_000);

test('steady use is judged every five minutes, and what an earlier run has seen through is not done again', async () => {
  const report = await simulated([soak(2)], { settings: { duration: 3_960, elapsed: 3_590, rate: 2 } });
  expect(failures(report)).toEqual([]);
  const made = report.verdict.rows.map(({ id }) => id.slice('soak/steady/'.length));
  const at = (check: string): string[] => made.filter((id) => id.endsWith(check)).map((id) => id.split('/', 1)[0]!);
  expect(at('/accepted')).toEqual(['at-3600s', 'at-3900s', 'at-3960s']);
  expect(at('/alice/health')).toEqual(['at-3600s', 'at-3960s']);
}, 60_000);
