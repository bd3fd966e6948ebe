import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Capability, registry } from '@muster/contract';
import { localTarget, ownDaemon, prove } from '@muster/lab';
import { signerFromSeed } from '@muster/proof';
import { expect, onTestFinished, test } from 'vitest';
import { surfaces } from './surfaces/index.ts';
import { callsOf, socketsOf, streamsOf } from './surfaces/plan.ts';

const built = (entry: string): string => fileURLToPath(new URL(`../../cli/dist/${entry}.js`, import.meta.url));

test('every capability is one that the suite exercises, by what it declares', () => {
  const all = Object.values<Capability>(registry).map(({ name }) => name);
  const declared = { capabilities: new Set(all) };
  const exercised = [...callsOf(declared), ...streamsOf(declared), ...socketsOf(declared)].map(({ name }) => name);
  expect([...exercised, 'status.shutdown'].toSorted()).toEqual(all.toSorted());
  const names = new Set(all);
  for (const { name, example } of Object.values<Capability>(registry))
    for (const { call } of example?.before ?? []) expect(names, `an example of ${name}`).toContain(call);
});

test('a healthy node answers the same on every surface, and each requirement is really exercised', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-suites-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { report } = await prove({
    suites: [surfaces],
    target: localTarget({ command: ownDaemon(built('musterd')), cli: { command: process.execPath, args: [built('muster')] } }),
    out: join(folder, 'bundle'),
    runner: signerFromSeed(new Uint8Array(32).fill(7)),
    seed: '20261121',
    tool: { name: 'muster', version: '0' },
    reproduce: 'muster prove',
  });
  const { rows, exitCode } = report.verdict;
  expect(rows.filter(({ status }) => status !== 'pass' && status !== 'warn').map(({ id, message }) => `${id}: ${message}`)).toEqual([]);
  expect(exitCode).toBe(0);
  const exercised = new Set(rows.filter((row) => row.exercised).map(({ requirement }) => requirement));
  expect(surfaces.requirements.map(({ id }) => id).filter((id) => !exercised.has(id))).toEqual([]);
}, 240_000);
