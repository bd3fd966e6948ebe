import { expect, test } from 'vitest';
import { blackHole } from './black-hole/index.ts';
import { failures, proven, unexercised } from './whole-suite.test-helper.ts';

test('a link that swallows what goes one way turns health red, and is replaced where there is another path', async () => {
  // They mostly wait, and so wait together.
  const reports = await Promise.all(['alone', 'replaced'].map((name) => proven([blackHole], { selection: { grep: `^black-hole/${name} ` } })));
  expect(reports.flatMap(failures)).toEqual([]);
  expect(unexercised(reports, [blackHole])).toEqual([]);
}, 180_000);
