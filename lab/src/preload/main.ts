/**
 * Runs inside a daemon that runs on Node, before its own code, which knows nothing of it: gives it a clock that is wrong and a disk that is slow,
 * as the control file says. Read at the start, so that what is wrong stays so for a daemon that starts anew, and again at each SIGUSR2.
 * What `Date` and `performance.timeOrigin` say is wrong; timers and the monotonic clock are not, nor what native code asks the system for.
 * A sync holds up all that the daemon does. Imports nothing of the lab, which is not to be loaded there.
 */
import fs, { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';
import type { Control, Report } from './control.ts';

/** what is renamed into place is never read in part */
const replace = renameSync;
const { now: trueNow } = Date;
const COMMIT = /\b(?:COMMIT|END)\b/iu;
/** `PRAGMA synchronous`: every commit is synced */
const FULL = 2;

const directory = process.env['MUSTER_LAB_PRELOAD'];
// Its threads go by the true time: no signal reaches them.
if (directory !== undefined && isMainThread && existsSync(directory)) preload(directory);

function preload(at: string): void {
  let changed = false;
  // Before anybody is told that it is here: whoever cannot take the signal ends by it.
  process.on('SIGUSR2', () => {
    control = read();
    changed = true;
    report.turn = control.turn;
    tell();
  });
  let control = read();
  const report: Report = { turn: control.turn, slow: 0, prompt: 0 };
  skewDates(() => control.skew_ms + ((trueNow() - control.since_ms) * control.drift_ppm) / 1e6);
  slowSyncs();
  tell();

  function read(): Control {
    return JSON.parse(readFileSync(join(at, 'control.json'), 'utf8')) as Control;
  }

  function tell(): void {
    const file = join(at, `${process.pid}.json`);
    writeFileSync(`${file}.new`, JSON.stringify(report));
    replace(`${file}.new`, file);
  }

  /** Takes as long as it is to take. Whoever looks is told of each slow one, and of the first that is prompt again. */
  function synced(): void {
    if (control.sync_ms > 0) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, control.sync_ms);
      report.slow++;
    } else if (changed) {
      report.prompt++;
      changed = false;
    } else return;
    tell();
  }

  function slowSyncs(): void {
    for (const name of ['fsyncSync', 'fdatasyncSync', 'renameSync', 'fsync', 'fdatasync', 'rename'] as const) wrap(fs, name);
    wrap(fs.promises, 'rename');
    syncBuiltinESMExports();
    const sqlite = process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined;
    if (sqlite) slowCommits(sqlite.DatabaseSync.prototype, sqlite.StatementSync.prototype);
  }

  function wrap<Name extends string>(module: Readonly<Record<Name, unknown>>, name: Name): void {
    const original = module[name] as (...args: unknown[]) => unknown;
    const slowed = (...args: unknown[]): unknown => {
      synced();
      return original(...args);
    };
    Object.assign(module, { [name]: slowed });
  }

  /** SQLite syncs by itself, when a transaction is committed and its `synchronous` is FULL. */
  function slowCommits(database: DatabaseSync, statement: StatementSync): void {
    const { exec, prepare } = database;
    const { run } = statement;
    const commits = new WeakMap<StatementSync, DatabaseSync>();
    const committed = (to: DatabaseSync): void => {
      if (control.sync_ms === 0 && !changed) return;
      if ((prepare.call(to, 'PRAGMA synchronous').get() as { synchronous: number }).synchronous >= FULL) synced();
    };
    database.prepare = function (this: DatabaseSync, ...args) {
      const made = prepare.apply(this, args);
      if (COMMIT.test(args[0])) commits.set(made, this);
      return made;
    };
    database.exec = function (this: DatabaseSync, sql) {
      exec.call(this, sql);
      if (COMMIT.test(sql)) committed(this);
    };
    statement.run = function (this: StatementSync, ...args: unknown[]) {
      const result = (run as (...args: unknown[]) => ReturnType<typeof run>).apply(this, args);
      const to = commits.get(this);
      if (to) committed(to);
      return result;
    };
  }
}

/** What was never told a time gets one that is so many ms ahead. */
function skewDates(ahead: () => number): void {
  const True = Date;
  const now = (): number => Math.floor(trueNow() + ahead());
  const Wrong = new Proxy(True, {
    construct: (_, args: unknown[], made) => Reflect.construct(True, args.length === 0 ? [now()] : args, made) as object,
    apply: () => new True(now()).toString(),
  });
  Object.assign(True, { now });
  Object.defineProperty(True.prototype, 'constructor', { value: Wrong, configurable: true, writable: true });
  globalThis.Date = Wrong;
  // It tells when the process began, and stays what it was then.
  Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + ahead(), configurable: true });
}
