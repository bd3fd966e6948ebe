import { expect, test } from 'vitest';
import { soak } from './soak/index.ts';
import { failures, proven } from './whole-suite.test-helper.ts';

test('steady use is judged stretch by stretch, and what an earlier run has seen through is not done again', async () => {
  const report = await proven([soak(2)], { settings: { duration: 304, elapsed: 298, rate: 6 } });
  expect(failures(report)).toEqual([]);
  const made = report.verdict.rows.flatMap(({ id }) => /\/at-(\d+)s\//.exec(id)?.[1] ?? []);
  expect([...new Set(made)]).toEqual(['304']);
  expect(report.verdict.rows.filter((row) => row.exercised).map(({ requirement }) => requirement)).toEqual(
    expect.arrayContaining(['soak.whole', 'soak.prompt', 'soak.healthy', 'soak.bounded']),
  );
}, 60_000);
