import { test } from 'vitest';
import { hostile } from './hostile/index.ts';
import { expectProven } from './whole-suite.test-helper.ts';

test('strangers get nowhere at any door, and each requirement is really exercised', async () => {
  await expectProven([hostile]);
}, 120_000);
