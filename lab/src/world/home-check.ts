/** What a daemon that was killed left on its disk: whether any file is torn. Nothing of the home is changed by looking. */
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { NodeHome } from './node-home.ts';

export interface HomeCheck {
  readonly files: number;
  /** files without a byte, that are not to be so */
  readonly empty: readonly string[];
  /** what SQLite's own check says of a copy of each: `ok` */
  readonly databases: readonly { readonly file: string; readonly integrity: string }[];
}

/** SQLite keeps these beside a database; they may be empty. */
const BESIDE = /-(?:wal|shm|journal)$/u;
const DATABASE = 'SQLite format 3\0';
/** holds nothing by design: who has it open holds the lock */
const LOCK = /(?:^|[./-])lock$/u;

/** The daemon must not run: its files must stand still. */
export async function checkHome({ root, home, data }: NodeHome): Promise<HomeCheck> {
  const empty: string[] = [];
  const databases: { file: string; integrity: string }[] = [];
  let files = 0;
  for (const folder of [home, data]) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      files += 1;
      const path = join(entry.parentPath, entry.name);
      const name = relative(root, path);
      if ((await stat(path)).size === 0) {
        if (!BESIDE.test(name) && !LOCK.test(name)) empty.push(name);
      } else if ((await readFile(path)).subarray(0, DATABASE.length).toString('latin1') === DATABASE)
        databases.push({ file: name, integrity: await integrityOf(path) });
    }
  }
  return { files, empty, databases };
}

/** Of a copy: opening a database that was not closed repairs it, and what is judged must stay as it was found. */
async function integrityOf(path: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-home-check-'));
  try {
    const copy = join(folder, 'copy');
    for (const suffix of ['', '-wal', '-journal']) await cp(path + suffix, copy + suffix).catch(() => undefined);
    const database = new DatabaseSync(copy);
    try {
      const rows = database.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
      return rows.map((row) => row.integrity_check).join('; ');
    } finally {
      database.close();
    }
  } catch (error) {
    return String(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
