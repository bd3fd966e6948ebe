import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProofReport } from '@muster/proof';
import { expect, onTestFinished, test } from 'vitest';
import { EXIT_USAGE, Failure } from './failure.ts';
import type { ProveRequest } from './prove.ts';
import { searchSeeds, sizeWarning } from './simulation.ts';
import { listen, OwnHome, until } from './testing/own-home.ts';

/** What a search says, and which requests it makes; seeds from `failing` on do not pass. */
async function search(count: number, failing: number, given: { json?: true; live?: true; code?: number } = {}) {
  const tried: ProveRequest[] = [];
  let text = '';
  const run = async (request: ProveRequest): Promise<number> => (tried.push(request), request.seed! >= failing ? (given.code ?? 1) : 0);
  const output = { live: given.live === true, print: async (part: string) => void (text += part) };
  const code = await searchSeeds({ world: 'sim', seed: 10, seeds: count, json: given.json === true }, count, run, output);
  return { code, tried, text };
}

test('seeds are tried one after the other until one does not pass, which is named with the command that repeats it', async () => {
  const { code, tried, text } = await search(500, 12);
  expect(code).toBe(1);
  expect(tried).toEqual([10, 11, 12].map((seed) => ({ world: 'sim', seed, quiet: true, json: false })));
  expect(text).toBe('\nseed 12 did not pass; 2 of 500 passed before it, from 10\nreproduce: muster prove --seed 12 --world sim\n');
  expect((await search(500, 10, { code: 130 })).text).toBe(
    '\nseed 10 was interrupted; the first\ngo on: muster prove --seed 10 --world sim --seeds 500\n',
  );
});

test('a search that passes leaves no bundle, one that fails leaves that of the seed that did not pass', { timeout: 120_000 }, async () => {
  const home = await OwnHome.create();
  onTestFinished(() => home[Symbol.asyncDispose]());
  const searched = [
    'prove',
    '--world',
    'sim',
    '--suite',
    'stress',
    '--nodes',
    '2',
    '--messages',
    '60',
    '--seed',
    '7',
    '--seeds',
    '2',
    '--no-history',
  ];
  expect(await home.muster(...searched, '--out', 'good')).toMatchObject({ code: 0, stdout: expect.stringContaining('2 seeds from 7 passed') });
  expect((await readdir(home.root)).filter((name) => name.startsWith('good'))).toEqual([]);
  const bad = await home.muster(...searched, '--saboteur', 'drops-messages', '--out', 'bad');
  expect(bad).toMatchObject({ code: 1, stdout: expect.stringMatching(/seed 7 did not pass; the first\nreproduce: muster prove --seed 7 /u) });
  expect((await home.muster('verify', 'bad')).stdout).toMatch(/^accepted bad\n(?:.*\n)*failed: /u);
});

test('a search says how many seeds passed: some plain lines, or one on a terminal that is drawn again', async () => {
  const { code, text } = await search(50, Infinity);
  const counts = Array.from({ length: 16 }, (_, index) => `${3 * (index + 1)} of 50 seeds passed\n`);
  expect([code, text]).toEqual([0, `${counts.join('')}50 seeds from 10 passed\n`]);
  const live = await search(2, Infinity, { live: true });
  expect(live.text.split('\r\u001b[2K')).toEqual(['', 'seed 10; 0 of 2 passed', 'seed 11; 1 of 2 passed', '2 seeds from 10 passed\n']);
  expect(JSON.parse((await search(3, Infinity, { json: true, live: true })).text)).toEqual({ ok: true, from: 10, passed: 3 });
  expect((await search(3, 11, { json: true })).text, 'the run has said it').toBe('');
});

test('a run that ends without a verdict is named, too; a mistake in the command is no matter of a seed', async () => {
  let text = '';
  const output = { live: false, print: async (part: string) => void (text += part) };
  const ending = (error: Error) =>
    searchSeeds(
      { world: 'sim', seed: 3, json: false },
      5,
      async () => {
        throw error;
      },
      output,
    );
  await expect(ending(new Failure('no such suite', EXIT_USAGE))).rejects.toThrow('no such suite');
  expect(text).toBe('');
  await expect(ending(new Error('no room'))).rejects.toThrow('no room');
  expect(text).toContain('seed 3 ended without a verdict');
});

test('what a large world takes is said beforehand', async () => {
  expect([undefined, 3, 200].map(sizeWarning)).toEqual([undefined, undefined, undefined]);
  expect(sizeWarning(201)).toMatch(/1,000 nodes .* 15 minutes of CPU and 4 GB/u);
  const home = await OwnHome.create();
  onTestFinished(() => home[Symbol.asyncDispose]());
  expect((await home.muster('prove', '--world', 'sim', '--plan', '--nodes', '201')).stderr).toContain('takes its time');
});

test('what holds by chance is tried as often as is asked for at most: undecided, it is said how many more runs it needs, and how to repeat these', async () => {
  const home = await OwnHome.create();
  onTestFinished(() => home[Symbol.asyncDispose]());
  const chance = ['prove', '--world', 'sim', '--suite', 'presence', '--grep', '^presence/chance', '--seed', '7', '--no-history'];
  expect(await home.muster(...chance, '--trials', '4', '--out', 'few')).toMatchObject({ code: 2 });
  const report = JSON.parse(await readFile(join(home.root, 'few/data/proof-report.json'), 'utf8')) as ProofReport;
  expect(report.verdict.rows.find(({ id }) => id === 'presence/chance/found')).toMatchObject({
    status: 'inconclusive',
    blame: 'harness',
    message: expect.stringMatching(/of 4 trials .* needs \d+ more runs if all succeed/u) as string,
  });
  expect(report.run!.reproduce).toContain(' --trials 4');
}, 60_000);

/** A simulation that would go on for long, once it is at work; and what there is of it. */
async function longRun() {
  const home = await OwnHome.create();
  onTestFinished(() => home[Symbol.asyncDispose]());
  const bundle = join(home.root, 'bundle');
  const args = ['prove', '--world', 'sim', '--suite', 'smoke', 'stress', '--messages', '100000', '--seed', '7', '--no-history', '--out', bundle];
  const child = home.spawn('muster', args);
  const { lines } = listen(child);
  await until(() => lines.some((line) => line.includes('smoke/')), 'the simulation works', 60_000);
  const running = async (): Promise<number[]> => {
    const commands = (await readdir('/proc')).map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')] as const);
    return (await Promise.all(commands)).flatMap(([pid, command]) => (command.includes(bundle) ? [Number(pid)] : []));
  };
  onTestFinished(async () => {
    for (const pid of await running()) process.kill(pid, 'SIGKILL');
  });
  const left = async (): Promise<number> => (await running()).length;
  return { child, lines, bundle, left };
}

async function codeOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

test('an interrupted simulation leaves what it found, and no process', { timeout: 120_000 }, async () => {
  const { child, lines, bundle, left } = await longRun();
  expect(await left()).toBe(2);
  child.kill('SIGINT');
  expect(await codeOf(child)).toBe(130);
  expect(lines.some((line) => line === `bundle: ${bundle}`)).toBe(true);
  expect(existsSync(join(bundle, 'data/journal.jsonl'))).toBe(true);
  await until(async () => (await left()) === 0, 'nothing left');
});

test('a simulation ends with the process that started it', { timeout: 120_000 }, async () => {
  const { child, left } = await longRun();
  child.kill('SIGKILL');
  await until(async () => (await left()) === 0, 'nothing left', 30_000);
});
