import { expect, test } from 'vitest';
import { blackHole } from './black-hole/index.ts';
import { failures, simulated, unexercised } from './whole-suite.test-helper.ts';

test('a link that swallows what goes one way turns health red, and is replaced where there is another path', async () => {
  const report = await simulated([blackHole]);
  expect(failures(report)).toEqual([]);
  expect(unexercised([report], [blackHole])).toEqual([]);
});
