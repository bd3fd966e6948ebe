import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ProveRequest } from './prove.ts';
import { searchSeeds } from './simulation.ts';
import { listen, OwnHome, until } from './testing/own-home.ts';

test('seeds are tried one after the other until one does not pass', async () => {
  const tried: ProveRequest[] = [];
  const run = async (request: ProveRequest): Promise<number> => (tried.push(request), request.seed === 12 ? 1 : 0);
  expect(await searchSeeds({ world: 'sim', seed: 10, seeds: 500, json: true }, 500, run)).toBe(1);
  expect(tried).toEqual([10, 11, 12].map((seed) => ({ world: 'sim', seed, quiet: true, json: true })));
});

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
