import { expect, test } from 'vitest';
import { crash } from './crash/index.ts';
import { expectProven } from './whole-suite.test-helper.ts';

test('nothing that was acknowledged is missing after kills under load, and each requirement is really exercised', async () => {
  const report = await expectProven([crash(6)]);
  expect(report.faults.filter(({ kind }) => kind === 'kill')).toHaveLength(6);
}, 120_000);
