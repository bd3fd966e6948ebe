/** For tests: a suite against our own daemons, as `muster prove` would run it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localTarget, ownDaemon, prove, type Suite } from '@muster/lab';
import { type Json, type ProofReport, signerFromSeed } from '@muster/proof';
import { expect } from 'vitest';

const built = (entry: string): string => fileURLToPath(new URL(`../../cli/dist/${entry}.js`, import.meta.url));

/** Expects that healthy daemons pass, and that each requirement is really exercised. Warnings are none of its business. */
export async function expectProven(suite: Suite, settings: Readonly<Record<string, Json>> = {}): Promise<ProofReport> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-suites-test-'));
  try {
    const { report } = await prove({
      suites: [suite],
      target: localTarget({ command: ownDaemon(built('musterd')), cli: { command: process.execPath, args: [built('muster')] } }),
      out: join(folder, 'bundle'),
      runner: signerFromSeed(new Uint8Array(32).fill(7)),
      seed: '20261121',
      tool: { name: 'muster', version: '0' },
      reproduce: 'muster prove',
      settings,
    });
    const { rows, exitCode } = report.verdict;
    expect(rows.filter(({ status }) => status !== 'pass' && status !== 'warn').map(({ id, message }) => `${id}: ${message}`)).toEqual([]);
    expect(exitCode).toBe(0);
    const exercised = new Set(rows.filter((row) => row.exercised).map(({ requirement }) => requirement));
    expect(suite.requirements.map(({ id }) => id).filter((id) => !exercised.has(id))).toEqual([]);
    return report;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
