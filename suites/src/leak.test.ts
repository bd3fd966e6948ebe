import { expect, test } from 'vitest';
import { leak } from './leak/index.ts';
import { failures, proven, unexercised } from './whole-suite.test-helper.ts';

test('idle or busy, nodes take no more and more; a handle kept for each message is found', async () => {
  const settings = { duration: 3 };
  const [healthy, caught] = await Promise.all([
    proven([leak], { settings }),
    proven([leak], { settings, saboteur: 'keeps-handles', selection: { grep: '^leak/publisher ' } }),
  ]);
  expect(failures(healthy)).toEqual([]);
  expect(unexercised([healthy], [leak])).toEqual(['leak.idle.flat', 'leak.publisher.flat']);
  const failed = caught.verdict.rows.filter(({ status }) => status === 'fail').map(({ id }) => id);
  expect(failed).toContain('leak/publisher/alice/bounded/files');
  expect(failed.filter((id) => !id.endsWith('/bounded/files'))).toEqual([]);
}, 120_000);
