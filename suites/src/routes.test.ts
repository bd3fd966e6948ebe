import { test } from 'vitest';
import { routes } from './routes/index.ts';
import { expectProven } from './whole-suite.test-helper.ts';

test('direct messages reach those without a link, once and unread by others, and each requirement is really exercised', async () => {
  await expectProven([routes]);
}, 120_000);
