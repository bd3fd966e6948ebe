/** For tests: suites against our own daemons, as `muster prove` would run them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crowdedDaemons, judge, localTarget, ownDaemon, prove, sabotagedDaemon, type Selection, simulatedTarget, type Suite } from '@muster/lab';
import { type Json, type ProofReport, signerFromSeed } from '@muster/proof';
import { expect } from 'vitest';

const built = (entry: string): string => fileURLToPath(new URL(`../../cli/dist/${entry}.js`, import.meta.url));

interface Asked {
  readonly settings?: Readonly<Record<string, Json>>;
  readonly selection?: Selection;
  /** alice has its bug */
  readonly saboteur?: string;
}

/** Nothing of it is left when this resolves. */
export async function proven(suites: readonly Suite[], { settings = {}, selection = {}, saboteur }: Asked = {}): Promise<ProofReport> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-suites-test-'));
  try {
    const cli = { command: process.execPath, args: [built('muster')] };
    const { report } = await prove({
      suites,
      selection,
      target: localTarget({
        command: ownDaemon(built('musterd')),
        cli,
        crowd: crowdedDaemons(),
        ...(saboteur !== undefined && { commands: { alice: sabotagedDaemon({ name: saboteur }) } }),
      }),
      out: join(folder, 'bundle'),
      runner: signerFromSeed(new Uint8Array(32).fill(7)),
      seed: '20261121',
      tool: { name: 'muster', version: '0' },
      reproduce: 'muster prove',
      settings,
    });
    return report;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** On virtual time, where what mostly waits is over soon. */
export async function simulated(suites: readonly Suite[], { settings = {}, selection = {} }: Omit<Asked, 'saboteur'> = {}): Promise<ProofReport> {
  const seed = '20261121';
  const target = simulatedTarget({ seed });
  try {
    return await judge({ suites, selection, settings, seed, target, tool: { name: 'muster', version: '0' }, reproduce: 'muster prove' });
  } finally {
    target.simulation.end();
  }
}

/** What did not pass, of what was run; warnings are for people. */
export function failures({ verdict }: ProofReport): string[] {
  const fine = ['pass', 'warn', 'notrun'];
  return verdict.rows.filter(({ status }) => !fine.includes(status)).map(({ id, status, message }) => `${id} ${status}: ${message}`);
}

/** Requirements of the suites that no check of any of the runs exercised. */
export function unexercised(reports: readonly ProofReport[], suites: readonly Suite[]): string[] {
  const rows = reports.flatMap(({ verdict }) => verdict.rows);
  const exercised = new Set(rows.filter((row) => row.exercised).map(({ requirement }) => requirement));
  return suites.flatMap(({ requirements }) => requirements.map(({ id }) => id)).filter((id) => !exercised.has(id));
}

/** Expects that healthy daemons pass, and that each requirement is really exercised. */
export async function expectProven(suites: readonly Suite[], asked: Asked = {}): Promise<ProofReport> {
  const report = await proven(suites, asked);
  expect(failures(report)).toEqual([]);
  expect(report.verdict.exitCode).toBe(0);
  expect(unexercised([report], suites)).toEqual([]);
  return report;
}
