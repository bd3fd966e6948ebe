/** `muster shrink` on a run that failed on virtual time, as its user runs it; and what it refuses. */
import type { ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prove, readSchedule, simulatedTarget } from '@muster/lab';
import { VERSION } from '@muster/node/host';
import { type Json, signerFromSeed } from '@muster/proof';
import { suitesFor } from '@muster/suites';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { scheduleIn } from '../reproduce.ts';
import { listen, OwnHome, until } from '../testing/own-home.ts';
import { failedRun } from './failed-run.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'muster-shrink-test-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('of a run with a planted bug what matters is left', async () => {
  await using home = await OwnHome.create();
  const nodes = ['alice', 'bob', 'carol', 'dave'];
  const written = {
    nodes,
    faults: [
      { at_ms: 100, for_ms: 500, kind: 'pause', on: ['dave'] },
      { at_ms: 2_200, for_ms: 500, kind: 'kill', on: ['alice', 'dave'] },
    ],
    operations: Array.from({ length: 16 }, (_, n) => ({ at_ms: n * 100, do: 'send', node: nodes[n % 4], to: nodes[(n + 1) % 4] })),
  };
  await writeFile(join(home.root, 'written.json'), JSON.stringify(written));
  const simulated = ['prove', '--world', 'sim', '--suite', 'chaos', '--no-history', '--seed', '5'];
  const failed = await home.muster(...simulated, '--saboteur', 'acknowledges-before-commit', '--schedule', 'written.json', '--out', 'failed');
  expect(failed.code).toBe(1);
  expect(failed.stdout).toMatch(/\nfail +chaos\/storm\/direct\/alice /);

  const shrunk = await home.muster('shrink', 'failed', '--budget', '10m');
  expect(shrunk).toMatchObject({ code: 0, stderr: '' });
  expect(shrunk.stdout).toMatch(/^shrinking chaos\/storm while chaos\.direct fails \(chaos\/storm\/direct\/alice\), for 600 s at most\n/);
  expect(shrunk.stdout).toMatch(/\nnodes +4 +2 +\d+\nfaults +2 +1 +\d+\noperations +16 +1 +\d+\ntiming +2700 ms +\d+ ms +\d+\n/);
  expect(shrunk.stdout).toMatch(
    /\nagain: muster prove --seed 5 --world sim --saboteur \S+ --suite chaos .*--schedule \S+\/failed-smallest\.schedule\.json\n$/,
  );
  expect(await scheduleIn(join(home.root, 'failed-smallest.schedule.json'))).toMatchObject({
    faults: [{ kind: 'kill', on: ['alice'] }],
    operations: [{ do: 'send', to: 'alice' }],
  });
  expect(await failedRun(join(home.root, 'failed-smallest'))).toMatchObject({ requirement: 'chaos.direct', schedule: { faults: [{}] } });

  await writeFile(join(home.root, 'again.schedule.json'), '{}');
  const taken = await home.muster('shrink', 'failed', '--out', 'again');
  expect(taken).toEqual({ code: 4, stdout: '', stderr: expect.stringMatching(/^muster: .*again\.schedule\.json is there already; .*\n$/) as string });

  const begun = home.spawn('muster', ['shrink', 'failed', '--budget', '10m', '--out', 'begun']);
  const { lines } = listen(begun);
  const said = stderrOf(begun);
  await until(() => lines.some((line) => line.startsWith('  ')) || begun.exitCode !== null, 'it found something smaller', 200_000);
  begun.kill('SIGINT');
  await until(() => begun.exitCode !== null, 'it ends', 200_000);
  expect(begun.exitCode).toBe(130);
  expect(said()).toMatch(/^muster: interrupted; the smallest so far: muster prove --seed 5 .*--schedule \S+\/begun\.schedule\.json\n$/u);
  expect((await scheduleIn(join(home.root, 'begun.schedule.json'))).operations!.length).toBeLessThanOrEqual(16);

  const hasty = await home.muster('shrink', 'failed', '--budget', '1', '--out', 'hasty');
  const none = { code: 1, stdout: expect.stringContaining('the time was over before it failed again: see --budget') as string };
  const some = { code: 0, stdout: expect.stringContaining('there may be smaller ones, see --budget') as string };
  expect(hasty).toMatchObject(hasty.code === 0 ? some : none);
  const left = (await readdir(home.root)).filter((name) => /begun|hasty/u.test(name));
  expect(left.toSorted()).toEqual(['begun.schedule.json', ...(hasty.code === 0 ? ['hasty', 'hasty.schedule.json'] : [])]);
}, 300_000);

test('a run that numbers say is made smaller by them', async () => {
  await using home = await OwnHome.create();
  const run = ['--world', 'sim', '--suite', 'stress', '--saboteur', 'drops-messages', '--nodes', '4', '--messages', '120'];
  expect(await home.muster('prove', '--seed', '5', '--no-history', '--out', 'failed', ...run)).toMatchObject({ code: 1 });
  const { code, stdout } = await home.muster('shrink', 'failed', '--budget', '10m');
  expect(code).toBe(0);
  // One in a hundred on one stream is lost: of two nodes that publish fifty messages each.
  expect(stdout).toMatch(/\nnodes +4 +2 +\d+\noperations +120 messages +50 messages +\d+\n/u);
  expect(stdout).toMatch(/\nagain: muster prove --seed 5 .*--suite stress .*--nodes 2 --messages 50\n$/u);
}, 300_000);

function stderrOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}

/** A run that nothing is wrong with. */
async function bundle(name: string, version: string, plan: Json): Promise<string> {
  const schedule = readSchedule({ nodes: ['alice', 'bob'], faults: [], operations: [{ at_ms: 0, do: 'send', node: 'bob', to: 'alice' }] });
  const out = join(folder, name);
  await prove({
    suites: suitesFor({ schedule }),
    selection: { suites: ['chaos'] },
    target: simulatedTarget({ seed: '5' }),
    out,
    runner: signerFromSeed(new Uint8Array(32).fill(7)),
    seed: '5',
    tool: { name: 'muster', version },
    reproduce: 'muster prove',
    plan,
  });
  return out;
}

test('what there is nothing to shrink in is refused in one line each', async () => {
  const passed = await bundle('passed', VERSION, { world: 'sim' });
  const older = await bundle('older', '0.0.1', { world: 'sim' });
  const changed = join(folder, 'changed');
  await cp(passed, changed, { recursive: true });
  await writeFile(join(changed, 'data', 'journal.jsonl'), '{}\n');
  const reasons = [
    [passed, /no check of the target failed in it: there is nothing to shrink$/],
    [older, /made by version 0\.0\.1, and this is .*: run it again first$/],
    [changed, /no bundle that can be believed: /],
    [folder, /no bundle/],
  ] as const;
  for (const [place, reason] of reasons) {
    const error = await failedRun(place).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Failure);
    const { message, exitCode } = error as Failure;
    expect([message.startsWith(`${place}: `), message.includes('\n'), exitCode]).toEqual([true, false, 2]);
    expect(message).toMatch(reason);
  }
}, 120_000);

test('a schedule that is none says where it is wrong', async () => {
  const file = join(folder, 'bad.json');
  await writeFile(file, '{');
  await expect(scheduleIn(file)).rejects.toThrow(/bad\.json: not JSON/);
  await writeFile(file, JSON.stringify({ nodes: ['alice'], faults: [{ at_ms: 0, for_ms: 1, kind: 'flood' }] }));
  await expect(scheduleIn(file)).rejects.toThrow(/bad\.json: no schedule: faults\/0\/kind/);
});
