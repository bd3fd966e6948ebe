import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { judgeSpace } from './files.ts';
import { checkClock, checkNode } from './machine.ts';

it.each([
  ['v24.0.0', 'ok'],
  ['v26.10.0', 'ok'],
  ['v22.20.0', 'problem'],
  ['whatever', 'problem'],
])('Node %s is %s', (version, status) => expect(checkNode(version).status).toBe(status));

it.each([
  [0, 'problem'],
  [64 * 2 ** 20 - 1, 'problem'],
  [64 * 2 ** 20, 'warning'],
  [512 * 2 ** 20 - 1, 'warning'],
  [512 * 2 ** 20, 'ok'],
])('%d free bytes are %s', (bytes, status) => expect(judgeSpace('/data', bytes).status).toBe(status));

it('a clock is wrong outside this century, and behind what it stamped itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-clock-'));
  try {
    const now = Date.parse('2026-11-21T12:00:00Z');
    const file = join(folder, 'node.sqlite');
    await writeFile(file, '');
    const at = async (written: number, clock = now) => {
      await utimes(file, written / 1000, written / 1000);
      return (await checkClock(folder, clock)).status;
    };
    expect(await at(now)).toBe('ok');
    expect(await at(now + 6 * 60_000)).toBe('warning');
    expect(await at(now, 0)).toBe('problem');
    expect(await at(now, Date.parse('2101-01-01T00:00:00Z'))).toBe('problem');
    expect((await checkClock(join(folder, 'missing'), now)).status).toBe('ok');
    expect((await checkClock(folder, Number.NaN)).status).toBe('problem');
  } finally {
    await rm(folder, { recursive: true });
  }
});
