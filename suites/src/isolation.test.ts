import { expect, test } from 'vitest';
import { isolation } from './isolation/index.ts';
import { failures, proven, simulated, unexercised } from './whole-suite.test-helper.ts';

const BOUNDED = ['isolation.flood.bounded', 'isolation.forged.bounded', 'isolation.topics.bounded'];

test('a flood, a storm of forgeries and ten thousand topics cost others nothing', async () => {
  const report = await simulated([isolation], { settings: { rate: 300 } });
  expect(failures(report)).toEqual([]);
  // The system knows of processes only.
  expect(unexercised([report], [isolation])).toEqual(BOUNDED);
});

test('so it is with daemons, which stay as small as they were', async () => {
  const report = await proven([isolation], { selection: { grep: '^isolation/forged ' } });
  expect(failures(report)).toEqual([]);
  expect(unexercised([report], [isolation])).not.toContain('isolation.forged.bounded');
}, 120_000);
