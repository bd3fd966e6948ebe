import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { driftClock, skewClock, slowDisk } from '../faults/daemon-faults.ts';
import type { LocalNode } from '../world/local-node.ts';
import { Preload } from './preload.ts';

const DAY_MS = 86_400_000;

function preloaded(takenMs?: number): { preload: Preload; directory: string; env: Record<string, string> } {
  const directory = mkdtempSync(join(tmpdir(), 'muster-preload-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const preload = new Preload(join(directory, 'preload'), takenMs);
  return { preload, directory, env: preload.environment({ NODE_OPTIONS: '--no-warnings' }) };
}

const told = (script: string, env: Record<string, string>): unknown =>
  JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', `console.log(JSON.stringify(await (async () => { ${script} })()))`], { env, encoding: 'utf8' })); // prettier-ignore

test('all that tells a process the date is wrong by as much, what it makes of a date it was told is not, and it is still a date', async () => {
  const { preload, env } = preloaded();
  await preload.set({ skew_ms: DAY_MS }, []);
  const read = told(
    `const [now, date, text, origin] = [Date.now(), new Date(), Date(), performance.timeOrigin];
     class Later extends Date {}
     return { ahead: [now, date.getTime(), Date.parse(text), origin, new Later().getTime()], exact: [new Date(5).getTime(), Date.UTC(1970), new Date(2026, 1).getMonth()],
              kind: [date instanceof Date, date.constructor === Date, new Later() instanceof Later, Number.isInteger(now), structuredClone(date) instanceof Date] }`,
    env,
  ) as { ahead: number[]; exact: number[]; kind: boolean[] };
  const now = Date.now();
  for (const one of read.ahead) expect(Math.abs(one - now - DAY_MS)).toBeLessThan(DAY_MS / 24);
  expect(read.exact).toEqual([5, 0, 1]);
  expect(read.kind).toEqual([true, true, true, true, true]);
});

test('a clock that drifts is ahead by a share of the time since', async () => {
  const { preload, env } = preloaded();
  await preload.set({ drift_ppm: 100_000, since_ms: Date.now() - 10 * DAY_MS }, []);
  expect(Math.abs((told('return Date.now()', env) as number) - Date.now() - DAY_MS)).toBeLessThan(DAY_MS / 24);
});

test('a process is told at once, takes its time for what is synced and for nothing else, and says so', async () => {
  const { preload, directory, env } = preloaded();
  const script = `
    import { fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
    import { DatabaseSync } from 'node:sqlite';
    const database = new DatabaseSync('rows');
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE rows (n)');
    const [begin, commit, file] = [database.prepare('BEGIN'), database.prepare('COMMIT'), openSync('file', 'w')];
    const write = (synchronous) => { database.exec('PRAGMA synchronous = ' + synchronous); begin.run(); database.exec('INSERT INTO rows VALUES (1)'); commit.run(); };
    const acts = { fsync: () => fsyncSync(file), rename: () => { writeFileSync('a', ''); renameSync('a', 'b'); }, durable: () => write('FULL'), relaxed: () => write('NORMAL'), exec: () => database.exec('PRAGMA synchronous = FULL; BEGIN; INSERT INTO rows VALUES (2); COMMIT'), read: () => database.prepare('SELECT n FROM rows').all() };
    process.stdin.on('data', (name) => { const begun = performance.now(); acts[String(name).trim()](); console.log(performance.now() - begun); });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { cwd: directory, env, stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const taken = async (act: string): Promise<number> => {
    child.stdin.write(`${act}\n`);
    return Number(String((await once(child.stdout, 'data'))[0]));
  };
  const { pid } = child as { pid: number };
  await taken('durable');
  expect([...preload.reports()]).toEqual([[pid, { turn: 0, slow: 0, prompt: 0 }]]);

  await preload.set({ sync_ms: 100 }, [{ pid }]);
  for (const act of ['fsync', 'durable', 'exec', 'rename'])
    expect([act, await taken(act)]).toEqual([act, expect.toSatisfy((ms: number) => ms >= 100)]);
  for (const act of ['relaxed', 'read']) await taken(act);
  expect(preload.reports().get(pid)).toEqual({ turn: 1, slow: 4, prompt: 0 });

  await preload.set({ sync_ms: 0 }, [{ pid }]);
  for (const act of ['durable', 'fsync']) await taken(act);
  expect(preload.reports().get(pid)).toEqual({ turn: 2, slow: 4, prompt: 1 });
  preload.forget();
  expect(preload.reports().size).toBe(0);
});

test('a process that does not take up a change in time is named in the evidence of the fault, and takes it up when it goes on', async () => {
  const { preload, env } = preloaded(1_000);
  const child = spawn(process.execPath, ['--eval', `process.stdin.on('data', () => console.log(Date.now()))`], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const { pid } = child as { pid: number };
  const time = async (): Promise<number> => {
    child.stdin.write('\n');
    return Number(String((await once(child.stdout, 'data'))[0]));
  };
  await time();
  const node = { name: 'a', process: { members: async () => [{ pid }] } } as unknown as LocalNode;
  child.kill('SIGSTOP');
  const late = { not_taken_up_by: [pid], within_ms: 1_000 };
  const [skew, drift, slow] = [skewClock(node, preload, DAY_MS), driftClock(node, preload, 1), slowDisk(node, preload, 5)];
  expect(await Promise.all([skew.apply(), drift.apply(), slow.apply(), slow.heal()])).toEqual([
    { ms: DAY_MS, ...late },
    { ppm: 1, ...late },
    { sync_ms: 5, ...late },
    { slow: 0, ...late },
  ]);
  child.kill('SIGCONT');
  await expect.poll(async () => Math.abs((await time()) - Date.now() - DAY_MS), { timeout: 5_000 }).toBeLessThan(DAY_MS / 24);
  expect(await skew.heal()).toEqual({ ms: -DAY_MS });
});
