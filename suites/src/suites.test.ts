import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localTarget, ownDaemon, prove, type Suite, systemClock } from '@muster/lab';
import { type ProofReport, signerFromSeed } from '@muster/proof';
import { expect, onTestFinished, test } from 'vitest';
import { suites, suitesFor } from './index.ts';

const built = (entry: string): string => fileURLToPath(new URL(`../../cli/dist/${entry}.js`, import.meta.url));

/** A small run of the suites that disturb nothing, over our own daemons. */
function proven(names: readonly string[], settings: Record<string, number> = {}): Promise<ProofReport> {
  return provenOf(
    suitesFor(settings).filter(({ name }) => names.includes(name)),
    settings,
  );
}

async function provenOf(chosen: readonly Suite[], settings: Record<string, number> = {}): Promise<ProofReport> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-suites-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const target = localTarget({ command: ownDaemon(built('musterd')), cli: { command: process.execPath, args: [built('muster')] } });
  const { report } = await prove({
    suites: chosen,
    target,
    out: join(folder, 'bundle'),
    runner: signerFromSeed(new Uint8Array(32).fill(7)),
    seed: '20261121',
    tool: { name: 'muster', version: '0' },
    reproduce: 'muster prove',
    settings,
    clock: systemClock,
  });
  return report;
}

function only(suite: string, id: string): Suite[] {
  return suites.filter(({ name }) => name === suite).map((each) => ({ ...each, scenarios: each.scenarios.filter((one) => one.id === id) }));
}

const failures = ({ verdict }: ProofReport) => verdict.rows.filter(({ status }) => status !== 'pass').map(({ id, message }) => `${id}: ${message}`);

test('a healthy network satisfies every requirement of smoke, mesh and stress, and each one is really exercised', async () => {
  const names = ['smoke', 'mesh', 'stress'];
  const report = await proven(names, { messages: 30 });
  expect(failures(report)).toEqual([]);
  expect(report.verdict.exitCode).toBe(0);
  const exercised = new Set(report.verdict.rows.filter((row) => row.exercised).map(({ requirement }) => requirement));
  const required = suites.filter(({ name }) => names.includes(name)).flatMap(({ requirements }) => requirements.map(({ id }) => id));
  expect(required.filter((id) => !exercised.has(id))).toEqual([]);
  expect(report.verdict.rows.filter(({ id }) => id.startsWith('smoke/')).length).toBeGreaterThanOrEqual(19);
}, 60_000);

test('at a rate the load is offered when it is due, by as many nodes as were asked for', async () => {
  const report = await proven(['mesh', 'stress'], { nodes: 2, messages: 20, rate: 50 });
  // A busy machine may make the harness late, and it says so; that is no failure of the nodes.
  expect(report.verdict.blamed.target).toBe(0);
  expect(report.worlds.map(({ nodes }) => nodes.length)).toEqual([2]);
  expect(report.verdict.rows.map(({ id }) => id)).toContain('stress/delivery/on-time');
}, 60_000);

test('a load of no messages is refused', async () => {
  const { verdict } = await provenOf(only('stress', 'stress/delivery'), { messages: 0 });
  expect(verdict.rows.find(({ id }) => id === 'stress/delivery/completed')).toMatchObject({
    status: 'crash',
    blame: 'harness',
    message: expect.stringContaining('messages must be a number of 1 or more') as string,
  });
}, 60_000);

test('requirements are named once, and are sentences', () => {
  const all = suites.flatMap(({ requirements }) => requirements);
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  for (const { id, text } of all) {
    expect(id).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
    expect(text, id).toMatch(/^[A-Z/].*\.$/);
  }
});

test('fewer nodes than it takes to talk are refused', () => {
  expect(() => suitesFor({ nodes: 1 })).toThrow(/2 nodes or more/);
  expect(() => suitesFor({ nodes: 2.5 })).toThrow(RangeError);
});
