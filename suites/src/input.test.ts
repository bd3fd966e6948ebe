import { test } from 'vitest';
import { input } from './input/index.ts';
import { expectProven } from './whole-suite.test-helper.ts';

test('every generated bad input is refused, with the name of the field, and each requirement is really exercised', async () => {
  await expectProven([input]);
}, 120_000);
