import { test } from 'vitest';
import { network } from './network/index.ts';
import { expectProven } from './whole-suite.test-helper.ts';

test('a healthy node tells the truth of its network, on every surface, and each requirement is really exercised', async () => {
  await expectProven([network]);
}, 90_000);
