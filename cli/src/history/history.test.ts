import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProofReport, Status } from '@muster/proof';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { OwnHome } from '../testing/own-home.ts';
import { gateOf } from './gate.ts';
import { failedScenarios, RunHistory } from './run-history.ts';

let runs = 0;
/** What the history reads of a report. `null`: filtered out. */
function reportOf(statuses: Readonly<Record<string, Status | null>>, target = 'musterd'): ProofReport {
  runs += 1;
  const rows = Object.entries(statuses).map(([id, status]) => ({
    id, requirement: 'r', status: status ?? 'notrun', message: 'm', duration: 1, ...(status === null && { filteredOut: true }),
  })); // prettier-ignore
  const run = { runId: `run-${runs}`, startedAt: '2026-11-21T00:00:00.000Z', seed: String(runs), reproduce: 'muster prove', tool: { name: 'muster', version: '1' }, inputs: { target } }; // prettier-ignore
  return { run, journal: { lines: 1, duration: 5 }, verdict: { outcome: 'passed', exitCode: 0, rows } } as unknown as ProofReport;
}

describe('the store', () => {
  let path: string;
  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-history-'));
    path = join(folder, 'history.sqlite');
    onTestFinished(() => rmSync(folder, { recursive: true }));
  });

  it('keeps runs over a reopening, once each, newest first, apart by target', () => {
    const first = reportOf({ 'a/b/c': 'pass', 'a/x/y': null });
    {
      using store = new RunHistory(path);
      store.add(first, '/one');
      store.add(first, '/one');
      store.add(reportOf({ 'a/b/c': 'fail' }, 'x0xd'), '/two');
    }
    using store = new RunHistory(path);
    expect(store.runs(9).map(({ target, checks, notPassed, bundle }) => [target, checks, notPassed, bundle])).toEqual([
      ['x0xd', 1, 1, '/two'],
      ['musterd', 1, 0, '/one'],
    ]);
    store.add(first, '/same-seed-later');
    expect(store.runs(1)[0]!.bundle).toBe('/same-seed-later');
    expect(store.results(1, 'musterd').map(({ check, status }) => [check, status])).toEqual([['a/b/c', 'pass']]);
    expect(failedScenarios(store.results(9, 'x0xd'))).toEqual(['a/b']);
  });

  it('refuses a file that is none, and one of a later version', async () => {
    await writeFile(path, 'not a database, though long enough to look like something');
    expect(() => new RunHistory(path)).toThrow(/not a database/);
  });

  it('gates what was green so often: not what was left out, nor what belongs to no suite', () => {
    using store = new RunHistory(path);
    const green = { 'a/b/c': 'pass', 'a/b/d': 'pass', 'a/e/f': 'pass', 'run/budget/a': 'pass', 'g/h/i': 'pass' } as const;
    for (let n = 0; n < 2; n++) store.add(reportOf(green), '/x');
    const gate = (statuses: Parameters<typeof reportOf>[0], last = 2) => gateOf(store, reportOf(statuses), last).map(({ check, status }) => `${check} ${status}`); // prettier-ignore
    expect(gate(green)).toEqual([]);
    expect(gate({ 'a/b/c': 'unverified', 'a/e/completed': null })).toEqual(['a/b/c unverified', 'a/b/d absent']);
    expect(gate({ 'a/b/c': 'unverified' }, 3)).toEqual([]);
    expect(gate({ 'z/z/z': 'pass' })).toEqual([]);
  });
});

describe('as its user sees it', () => {
  let home: OwnHome;
  beforeAll(async () => {
    home = await OwnHome.create();
  });
  afterAll(() => home[Symbol.asyncDispose]());
  const prove = (...more: string[]) => home.muster('prove', '--grep', '^smoke/unknown-path ', '--nodes', '2', '--out', `b${(runs += 1)}`, ...more);

  it('a passing run has nothing to repeat; a stale expectation is red, gated, and repeated', async () => {
    expect(await home.muster('prove', '--last-failed')).toMatchObject({ code: 4, stderr: expect.stringContaining('no run against muster yet') });
    expect((await prove('--gate', '1')).code).toBe(0);
    expect(await home.muster('prove', '--last-failed')).toMatchObject({ code: 4, stderr: expect.stringContaining('everything was good') });
    const listed = JSON.parse((await home.muster('history', 'smoke/unknown-path', '--json')).stdout) as { check: string; passed: number }[];
    const { check } = listed.find(({ check: id, passed }) => passed === 1 && !id.endsWith('/completed'))!;

    await writeFile(join(home.root, 'baseline.json'), JSON.stringify({ [check]: 'not done yet' }));
    const stale = await prove('--baseline', 'baseline.json', '--gate', '1', '--seed', '4711');
    expect(stale.code).toBe(1);
    expect(stale.stdout).toContain(`no longer green:\n  ${check}: stale-expected\n`);
    const again = await home.muster('prove', '--last-failed', '--plan');
    expect(again.stdout).toMatch(/^world shared: .*\n {2}smoke\/unknown-path: .*\nnot run:\n/);
    const flaky = (await home.muster('history', '--flaky')).stdout.split('\n').slice(1, -1);
    expect(flaky).toEqual([expect.stringMatching(new RegExp(`^${check} +stale-expected +1 of 2 .* seed 4711 `, 'u'))]);
    const slowest = JSON.parse((await home.muster('history', '--slowest', '--json')).stdout) as { ms: number }[];
    expect(new Set(slowest.map(({ ms }) => ms)).size).toBeGreaterThan(1);
    expect(slowest).toEqual(slowest.toSorted((a, b) => b.ms - a.ms));
    expect((await home.muster('history')).stdout.split('\n').slice(1).map((line) => line.trim().split(/\s+/)[1])).toEqual(['failed', 'passed', undefined]); // prettier-ignore
  }, 120_000);

  it.each([
    [['--baseline', 'nowhere.json'], /no such file/],
    [['--shard', '3/2'], /Expected I\/N/],
    [['--last-failed', '--grep', 'x'], /excludes --grep/],
    [['--gate', '0'], /at least 1/],
  ])('refuses %j as wrong use', async (args, message) => {
    expect(await home.muster('prove', ...args)).toMatchObject({ code: 4, stderr: expect.stringMatching(message) });
  });
});
