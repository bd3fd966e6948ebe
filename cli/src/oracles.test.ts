import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type OracleReport, SABOTEURS, type SaboteurResult } from '@muster/lab';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { runOracleCommand } from './oracles.ts';
import { OwnHome } from './testing/own-home.ts';

const everyBugCaught = async (): Promise<OracleReport> => ({
  saboteurs: SABOTEURS.map(({ name }) => ({ saboteur: name, caught: true }) as SaboteurResult),
  healthy: [],
  killRate: 1,
  ok: true,
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test('what was found is told, also where it cannot be kept for reports to come', async () => {
  const home = await OwnHome.create();
  onTestFinished(() => home[Symbol.asyncDispose]());
  await writeFile(join(home.root, '.muster'), 'in the way of the folder');
  vi.stubEnv('HOME', home.root);
  const said = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((said.out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((said.err += String(text)), true));
  expect(await runOracleCommand({ healthy: 0, seeds: 0, json: false }, everyBugCaught)).toBe(0);
  expect(said.out).toContain(`${SABOTEURS.length} of ${SABOTEURS.length} planted bugs caught`);
  expect(said.err).toMatch(/^muster: the reports of later runs will not tell of it: E[A-Z]+.*\n$/u);
});
