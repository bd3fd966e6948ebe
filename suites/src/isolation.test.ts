import { expect, test } from 'vitest';
import { isolation } from './isolation/index.ts';
import { expectProven } from './whole-suite.test-helper.ts';

test('a flood, a storm of forgeries and ten thousand topics cost others nothing', async () => {
  const report = await expectProven([isolation], { settings: { messages: 300 } });
  expect(report.worlds).toHaveLength(3);
}, 180_000);
