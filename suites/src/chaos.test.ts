import { test } from 'vitest';
import { chaos } from './chaos/index.ts';
import { expectProven } from './whole-suite.test-helper.ts';

test('nothing acknowledged is lost in a storm, and each requirement is really exercised', async () => {
  await expectProven([chaos()], { settings: { duration: 1 } });
}, 120_000);
