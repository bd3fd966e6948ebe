/** What lies in a data directory tells whether its daemon runs; nothing is changed by looking. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { codeOf } from './failure.ts';

/** https://sqlite.org/rescode.html */
const SQLITE_BUSY = 5;

export interface InstanceState {
  readonly running: boolean;
  /** of the daemon that runs, or of one that was killed */
  readonly pid: number | undefined;
}

export async function instanceState(dataDir: string): Promise<InstanceState> {
  const pid = await readPid(dataDir);
  // A daemon that ends by itself takes its id away: only what it may have left behind is worth a look at the lock.
  return { running: pid !== undefined && isLocked(join(dataDir, 'instance.lock')), pid };
}

export async function readPid(dataDir: string): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(join(dataDir, 'instance.pid'), 'utf8'));
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The lock is the kernel's, so it also unmasks another process that got the id of a killed daemon. */
function isLocked(file: string): boolean {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    database.exec('SELECT 1 FROM sqlite_master');
    return false;
  } catch (error) {
    return ((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY;
  } finally {
    database?.close();
  }
}
