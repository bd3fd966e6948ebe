import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readCrashPrefix } from '@muster/proof';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { isAlive } from '../testing/processes.ts';

interface Held {
  readonly child: ChildProcess;
  readonly directory: string;
  /** daemons and their children */
  readonly pids: readonly number[];
}

/** A process of its own that holds a world of two daemons with two children each. */
async function holdWorld(how: 'hang' | 'throw' | 'exit'): Promise<Held> {
  const script = fileURLToPath(new URL('../testing/world-holder.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=muster-source', script, how], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string];
  const { directory, pids } = JSON.parse(line) as { directory: string; pids: number[] };
  const children = ['one', 'two'].flatMap((name) => {
    const file = join(directory, 'nodes', name, 'data', 'children');
    return existsSync(file) ? readFileSync(file, 'utf8').split(' ').map(Number) : [];
  });
  return { child, directory, pids: [...pids, ...children] };
}

async function expectNothingLeft({ directory, pids }: Held): Promise<void> {
  const nothing = (): boolean => !pids.some(isAlive) && !existsSync(directory);
  await eventually(systemClock, nothing, { within: 8000, what: 'the end of every process and file' });
}

test.for(['SIGKILL', 'SIGHUP', 'SIGINT', 'SIGTERM'] as const)('nothing is left when the run gets %s', async (signal) => {
  const held = await holdWorld('hang');
  expect(held.pids).toHaveLength(6);
  expect(held.pids.every(isAlive)).toBe(true);
  held.child.kill(signal);
  await expectNothingLeft(held);
});

test.for(['SIGKILL', 'SIGINT'] as const)('nothing is left of daemons that stand still when the run gets %s', async (signal) => {
  const held = await holdWorld('hang');
  for (const pid of held.pids) process.kill(pid, 'SIGSTOP');
  held.child.kill(signal);
  await expectNothingLeft(held);
});

test('the same Ctrl-C arriving twice does not cut the orderly end short', async () => {
  const held = await holdWorld('hang');
  held.child.kill('SIGINT');
  held.child.kill('SIGINT');
  const [code] = (await once(held.child, 'exit')) as [number | null];
  expect(code).toBe(0);
  await expectNothingLeft(held);
});

test('nothing is left of a run of scenarios that is killed but what it has recorded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-reaper-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const script = fileURLToPath(new URL('../testing/prove-holder.ts', import.meta.url));
  const env = { ...process.env, TMPDIR: folder };
  const child = spawn(process.execPath, ['--conditions=muster-source', script], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  await once(createInterface(child.stdout), 'line');
  expect(readdirSync(folder).some((name) => name.startsWith('muster-prove-'))).toBe(true);
  const recorded = (): string => readFileSync(join(folder, 'bundle.partial', 'journal.jsonl'), 'utf8');
  await eventually(systemClock, () => recorded().includes('"drive"'), { within: 8000, what: 'the phase in the journal' });
  child.kill('SIGKILL');
  const left = (): boolean => readdirSync(folder).join() === 'bundle.partial';
  await eventually(systemClock, left, { within: 8000, what: 'the end of every other file' });
  const { report, said } = await readCrashPrefix(join(folder, 'bundle.partial'));
  expect(said).toMatch(/^crash prefix: the run was killed; \d+ lines/);
  expect(report.verdict).toMatchObject({ outcome: 'inconclusive', exitCode: 2 });
  expect(report.phases).toContainEqual(expect.objectContaining({ scenario: 'test/waits', phase: 'drive', end: 'open' }));
});

test.for(['throw', 'exit'] as const)('nothing is left when the run ends by %s', async (how) => {
  await expectNothingLeft(await holdWorld(how));
});
