import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { storeError } from './sqlite-errors.ts';

/** The data directory is in use. */
export class InstanceLockedError extends Error {
  override readonly name = 'InstanceLockedError';
  /** of the process that holds it; undefined while that one is just starting */
  readonly pid: number | undefined;

  constructor(directory: string, pid: number | undefined) {
    super(
      `${directory} is in use by a running daemon (${pid === undefined ? 'just starting' : `pid ${pid}`}); stop it, or start another one with --name`,
    );
    this.pid = pid;
  }
}

/** Held locks: a database that nothing referred to would be collected, and its lock given up with it. */
const held = new Set<DatabaseSync>();

/**
 * Makes this process the only daemon of an existing data directory, until disposed or until it ends, however it ends: the lock is the kernel's (SQLite's exclusive lock on `instance.lock`), so nothing stale can remain.
 * Throws `InstanceLockedError`, or `StoreError` when the directory cannot be written.
 */
export function lockInstance(directory: string): Disposable {
  const lockFile = join(directory, 'instance.lock');
  const pidFile = join(directory, 'instance.pid');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(lockFile, { timeout: 0 });
    // An open exclusive transaction that never writes: the file stays empty, the lock stays ours.
    database.exec('BEGIN EXCLUSIVE');
    chmodSync(lockFile, 0o600);
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    database?.close();
    const failure = storeError(lockFile, error);
    throw failure.code === 'locked' ? new InstanceLockedError(directory, readPid(pidFile)) : failure;
  }
  const lock = database;
  held.add(lock);
  return {
    [Symbol.dispose]: () => {
      if (!held.delete(lock)) return;
      rmSync(pidFile, { force: true });
      lock.close();
    },
  };
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
