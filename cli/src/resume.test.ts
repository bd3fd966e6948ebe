import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type JournalEntry, type Json, JournalFile, JournalWriter, claims, literal, signerFromSeed, writeBundle } from '@muster/proof';
import { beforeAll, afterAll, expect, test } from 'vitest';
import { resumed } from './resume.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'muster-resume-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A bundle of a soak of six hours, with checks made after so many seconds, that was broken off. */
async function brokenOff(name: string, checks: Readonly<Record<string, boolean>>, plan: Readonly<Record<string, Json>> = {}): Promise<string> {
  const path = join(folder, `${name}.jsonl`);
  const file = new JournalFile(path);
  const journal = new JournalWriter({ sink: file, elapsed: () => 1 });
  const run: JournalEntry = {
    type: 'run',
    stage: 'started',
    runId: 'run-1',
    startedAt: '2026-11-21T00:00:00.000Z',
    tool: { name: 'muster', version: '0' },
    seed: '42',
    reproduce: 'muster prove',
    replay: { level: 'L1', note: 'same decisions' },
    inputs: { plan: { seed: '42', suite: ['soak'], duration: 21_600, rate: 7, nodes: 4, ...plan } },
    filters: [],
    expectedFailures: [],
    versions: {},
  };
  journal.write(run);
  for (const [id, good] of Object.entries(checks))
    journal.write({
      type: 'check',
      id,
      requirement: 'soak.whole',
      level: 'MUST',
      claim: claims.equals(literal(true), good),
      range: [1, journal.seq],
    });
  journal.write({ type: 'run', stage: 'finished', outcome: 'interrupted' });
  file.close();
  const directory = join(folder, name);
  await writeBundle({ directory, journal: path, runner: signerFromSeed(new Uint8Array(32).fill(7)) });
  return directory;
}

test('a soak that was broken off is taken up after what it has seen through, with the same seed and sizes', async () => {
  const bundle = await brokenOff('three-hours', { 'soak/steady/at-300s/accepted': true, 'soak/steady/at-10800s/accepted': true });
  expect(await resumed({ json: false }, bundle)).toEqual({
    json: false,
    suite: ['soak'],
    seed: 42,
    duration: 21_600,
    elapsed: 10_800,
    rate: 7,
    nodes: 4,
  });
  expect(await resumed({ json: false, duration: 90_000, rate: 1 }, bundle)).toMatchObject({ duration: 90_000, elapsed: 10_800, rate: 1 });
});

test('it goes on in the same world, with the same daemon or bug', async () => {
  const checks = { 'soak/steady/at-300s/accepted': true };
  const simulated = await brokenOff('simulated', checks, { world: 'sim', realCrypto: true, saboteur: 'wrong-status' });
  expect(await resumed({ json: false }, simulated)).toMatchObject({ world: 'sim', realCrypto: true, saboteur: 'wrong-status' });
  const other = await brokenOff('other-daemon', checks, { world: 'local', targetCmd: 'x0xd' });
  expect(await resumed({ json: false }, other)).toMatchObject({ world: 'local', targetCmd: 'x0xd' });
  const remote = await brokenOff('remote', checks, { target: ['http://127.0.0.1:1'] });
  await expect(resumed({ json: false }, remote)).rejects.toThrow(/name them again with --target and --token-file/);
  expect(await resumed({ json: false, target: ['http://127.0.0.1:2'] }, remote)).toMatchObject({ target: ['http://127.0.0.1:2'] });
});

test('what failed already, is through, or is no soak is not taken up', async () => {
  const failed = await brokenOff('failed', { 'soak/steady/at-300s/accepted': true, 'soak/steady/at-600s/accepted': false });
  await expect(resumed({ json: false }, failed)).rejects.toThrow(/failed already: soak\/steady\/at-600s\/accepted/);
  const through = await brokenOff('through', { 'soak/steady/at-21600s/accepted': true });
  await expect(resumed({ json: false }, through)).rejects.toThrow(/give a longer --duration/);
  const other = await brokenOff('other', { 'smoke/health/1': true });
  await expect(resumed({ json: false }, other)).rejects.toThrow(/holds no part of a soak/);
  await expect(resumed({ json: false, suite: ['smoke'] }, through)).rejects.toThrow(/excludes --suite/);
});
