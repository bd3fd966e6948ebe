import { test } from 'vitest';
import { discovery } from './discovery/index.ts';
import { expectProven } from './whole-suite.test-helper.ts';

test('agents are known, found and forgotten, with and without a link, and each requirement is really exercised', async () => {
  await expectProven([discovery]);
}, 120_000);
