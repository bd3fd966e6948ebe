import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OracleReport, SABOTEURS, type SaboteurResult } from '@muster/lab';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { knownKillRate, rememberKillRate } from './kill-rate.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'muster-kill-rate-'));
  vi.stubEnv('HOME', home);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

const kept = (): string => join(home, '.muster', 'kill-rate.json');

function reportOf(count: number, missed = 0): OracleReport {
  const saboteurs = SABOTEURS.slice(0, count).map(
    ({ name, plants, caughtBy }, index) => ({ saboteur: name, plants, caughtBy, caught: index >= missed }) as SaboteurResult,
  );
  return { saboteurs, healthy: [], killRate: null, ok: missed === 0 };
}

test('what came of all planted bugs is known to later runs', () => {
  expect(knownKillRate()).toBeUndefined();
  rememberKillRate(reportOf(SABOTEURS.length, 1));
  const bugs = knownKillRate()!.bugs;
  expect(bugs).toHaveLength(SABOTEURS.length);
  expect(bugs.filter(({ caught }) => !caught).map(({ name }) => name)).toEqual([SABOTEURS[0]!.name]);
});

test('what came of some of them is not', () => {
  rememberKillRate(reportOf(SABOTEURS.length - 1));
  expect(knownKillRate()).toBeUndefined();
});

test('nor is what came of other suites, or what is no such file', async () => {
  rememberKillRate(reportOf(SABOTEURS.length));
  const other = (await readFile(kept(), 'utf8')).replace(/"mark":"[^"]*"/u, '"mark":"of others"');
  await writeFile(kept(), other);
  expect(knownKillRate()).toBeUndefined();
  await writeFile(kept(), '{');
  expect(knownKillRate()).toBeUndefined();
});
