import { expect, test } from 'vitest';
import { fillingDisk, startNode } from './testing/network.ts';

test('a disk that refuses is a warning, and the node degraded, until it works again', async () => {
  const disk = fillingDisk('durable', 'relaxed');
  await using a = await startNode({ wrap: disk.wrap });
  const context = { signal: new AbortController().signal, surface: 'rest' } as const;
  const status = async () => a.node.handlers['status.get']({}, context);
  const add = async () => a.node.handlers['contacts.add']({ agent_id: 'ab'.repeat(32), trust_level: 'known' }, context);
  expect(await status()).toMatchObject({ warnings: [] });
  disk.full = true;
  await expect(add()).rejects.toMatchObject({ status: 503 });
  expect(await status()).toMatchObject({ status: 'degraded', warnings: ['storage unavailable: the disk is full'] });
  disk.full = false;
  await add();
  expect(await status()).toMatchObject({ warnings: [] });
});
