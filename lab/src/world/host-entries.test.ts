import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { SABOTEURS } from '../saboteurs/saboteurs.ts';
import { sabotagedDaemon } from '../saboteurs/sabotaged-daemon.ts';
import { hostEntries } from './host-entries.ts';
import { startLocalWorld } from './local-process.ts';

test('entries of all networks are found, and what is no entry is left out', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'muster-host-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const entry = { network: 'aa', machine: 'bb', address: '127.0.0.1:7' };
  for (const folder of ['one', 'other']) mkdirSync(join(directory, folder));
  writeFileSync(join(directory, 'one', 'bb.json'), JSON.stringify({ ...entry, pid: 1 }));
  writeFileSync(join(directory, 'other', 'bb.json'), JSON.stringify({ ...entry, network: 'cc' }));
  writeFileSync(join(directory, 'other', 'torn.json'), '{"network":');
  writeFileSync(join(directory, 'other', 'null.json'), 'null');
  writeFileSync(join(directory, 'other', 'notes.txt'), JSON.stringify(entry));
  const found = await hostEntries(directory);
  expect(found).toHaveLength(2);
  expect(found).toEqual(expect.arrayContaining([entry, { ...entry, network: 'cc' }]));
});

test('worlds that share a host directory stand side by side in it, each in its own network', async () => {
  const command = sabotagedDaemon(SABOTEURS[0]!);
  await using one = await startLocalWorld({ command, nodes: ['alice'] });
  const { hostDirectory } = one.node('alice').config;
  await using other = await startLocalWorld({ command, nodes: ['bob'], hostDirectory });
  expect(other.networkId).not.toBe(one.networkId);
  const { value } = await eventually(systemClock, async () => (await hostEntries(hostDirectory)).length === 2 && hostEntries(hostDirectory), { within: 5000, what: 'both' }); // prettier-ignore
  expect(new Set(value.map(({ network }) => network)).size).toBe(2);
});
