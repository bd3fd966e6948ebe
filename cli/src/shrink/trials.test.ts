import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ShrinkablePlan } from '@muster/lab';
import type { ProofReport } from '@muster/proof';
import { expect, onTestFinished, test } from 'vitest';
import { Trials } from './trials.ts';

const plan = (nodes: number): ShrinkablePlan => ({ settings: { nodes } });
const ONCE = { times: 1, of: 1 };

/** Runs that leave a bundle with their number of nodes in it, and end as `outcome` says: at once, or when the time is over. */
async function trying(outcome: (nodes: number, begun: number) => 'fail' | 'pass' | 'lasts') {
  const folder = await mkdtemp(join(tmpdir(), 'muster-trials-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const over = new AbortController();
  const place = join(folder, 'smallest');
  let begun = 0;
  const run = async ({ settings }: ShrinkablePlan, out: string): Promise<ProofReport> => {
    const how = outcome(settings['nodes']!, ++begun);
    if (how === 'lasts') await new Promise<void>((resolve) => (over.signal.addEventListener('abort', () => resolve()), over.abort()));
    await mkdir(out);
    await writeFile(join(out, 'nodes'), `${settings['nodes']}`);
    const status = how === 'pass' ? 'pass' : 'fail';
    return { verdict: { rows: [{ id: 'check', requirement: 'r', status, blame: 'target' }] } } as unknown as ProofReport;
  };
  const trials = await Trials.open({ run, requirement: 'r', place, signal: over.signal });
  return { trials, folder, place, runs: () => begun };
}

test('when the time is over the running one is ended and does not count, none is begun, and the bundle of the last that failed is there', async () => {
  const { trials, folder, place, runs } = await trying((nodes) => (nodes > 2 ? 'fail' : 'lasts'));
  expect([await trials.fails(plan(4), ONCE), await trials.fails(plan(3), ONCE)]).toEqual([true, true]);
  expect(await trials.fails(plan(2), { times: 1, of: 3 })).toBe(false);
  expect(await trials.fails(plan(3), ONCE)).toBe(false);
  expect(runs()).toBe(3);
  await trials.keep();
  await trials[Symbol.asyncDispose]();
  expect(await readdir(folder)).toEqual(['smallest']);
  expect(await readFile(join(place, 'nodes'), 'utf8')).toBe('3');
});

test('it fails when so many of so many runs do, and no more are run than it takes to know', async () => {
  const outcomes = ['fail', 'pass', 'fail', 'pass', 'pass', 'fail', 'fail'] as const;
  const { trials, folder, place, runs } = await trying((_, begun) => outcomes[begun - 1]!);
  const confirm = { times: 2, of: 3 };
  expect([await trials.fails(plan(9), confirm), runs()]).toEqual([true, 3]);
  expect([await trials.fails(plan(8), confirm), runs()]).toEqual([false, 5]);
  expect([await trials.fails(plan(7), confirm), runs()]).toEqual([true, 7]);
  await trials[Symbol.asyncDispose]();
  expect([await readdir(folder), existsSync(place)]).toEqual([[], false]);
});
