import { accessSync, chmodSync, closeSync, constants, fsyncSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError, type Durability, type Range, type Store, type Write } from '../ports/index.ts';
import { makePrivateDirectory } from './private-directory.ts';
import { storeError } from './sqlite-errors.ts';

/** "Must", so that a foreign database is never taken for ours. */
const APPLICATION_ID = 0x4d757374;
const SCHEMA_VERSION = 1;
/** `quick_check` reads every page: about 1 ms per MiB. Larger files get the cheap checks only. */
const QUICK_CHECK_BYTES = 8 * 1024 * 1024;

export interface SqliteStoreOptions {
  /** the file never grows beyond this many bytes: further batches throw `full`. Default: the disk decides. */
  readonly maxBytes?: number;
}

/**
 * Store in one SQLite file (mode 0600, its directory 0700 when made here), WAL.
 * This process owns the file until `close` or its end, however it ends: the lock is the kernel's, so `kill -9` releases it and a second opener fails at once with `locked`.
 * The write-ahead log is ordered: a durable batch also makes every relaxed batch before it durable.
 * No other code of this process may open the file: POSIX drops a process's locks when it closes any descriptor of the file.
 * Throws `StoreError`.
 */
export function openSqliteStore(path: string, options: SqliteStoreOptions = {}): Store {
  let database: DatabaseSync | undefined;
  try {
    createPrivately(path);
    database = new DatabaseSync(path, { timeout: 0 });
    prepareDatabase(database, path, options);
    return new SqliteStore(database, path);
  } catch (error) {
    database?.close();
    throw storeError(path, error);
  }
}

function createPrivately(path: string): void {
  const directory = dirname(path);
  makePrivateDirectory(directory);
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // SQLite would open it for reading and then report a lock that failed.
    accessSync(path, constants.R_OK | constants.W_OK);
    if (statSync(path).mode & 0o077) chmodSync(path, 0o600);
    return;
  }
  const handle = openSync(directory, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

function prepareDatabase(database: DatabaseSync, path: string, options: SqliteStoreOptions): void {
  // Exclusive before the first access: SQLite then uses no shared memory file, and keeps the lock between transactions.
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON');
  const header = database
    .prepare(
      'SELECT (SELECT user_version FROM pragma_user_version) v, (SELECT application_id FROM pragma_application_id) a, (SELECT count(*) FROM sqlite_schema) n',
    )
    .get() as { v: number; a: number; n: number };
  const fresh = header.v === 0 && header.a === 0 && header.n === 0;
  if (!fresh && header.a !== APPLICATION_ID) throw new StoreError('corrupt', `${path} is the database of another program; move it away`);
  if (header.v > SCHEMA_VERSION)
    throw new StoreError('too_new', `${path} was written by a newer version (format ${header.v}, this one knows ${SCHEMA_VERSION}); upgrade`);
  const pageSize = (database.prepare('PRAGMA page_size').get() as { page_size: number }).page_size;
  if (options.maxBytes !== undefined) database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.maxBytes / pageSize))}`);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  if (fresh) {
    database.exec(`BEGIN IMMEDIATE;
      CREATE TABLE rows (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
      CREATE TABLE barrier (count INTEGER NOT NULL);
      INSERT INTO barrier VALUES (0);
      PRAGMA user_version = ${SCHEMA_VERSION}; PRAGMA application_id = ${APPLICATION_ID}; COMMIT`);
  } else {
    // Taking the write lock now makes "read-only" and "in use" known before anything else starts.
    database.exec('BEGIN IMMEDIATE; COMMIT');
    checkIntegrity(database, path);
  }
}

function checkIntegrity(database: DatabaseSync, path: string): void {
  // Both edges of the tree: a truncated file fails here whatever its size.
  database.prepare('SELECT (SELECT key FROM rows ORDER BY key LIMIT 1), (SELECT key FROM rows ORDER BY key DESC LIMIT 1)').get();
  if (statSync(path).size > QUICK_CHECK_BYTES) return;
  const { quick_check: found } = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
  if (found !== 'ok') throw new StoreError('corrupt', `${path} is damaged; restore a copy or move it away (${found})`);
}

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

class SqliteStore implements Store {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements;
  #synchronous: Durability = 'durable';
  #unsynced = false;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    const within = 'FROM rows WHERE key >= ? AND key < ?';
    this.#statements = {
      begin: database.prepare('BEGIN IMMEDIATE'),
      commit: database.prepare('COMMIT'),
      get: database.prepare('SELECT value FROM rows WHERE key = ?'),
      put: database.prepare('INSERT INTO rows (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'),
      delete: database.prepare('DELETE FROM rows WHERE key = ?'),
      ascending: database.prepare(`SELECT key, value ${within} ORDER BY key LIMIT ?`),
      descending: database.prepare(`SELECT key, value ${within} ORDER BY key DESC LIMIT ?`),
      barrier: database.prepare('UPDATE barrier SET count = count + 1'),
      count: database.prepare(`SELECT count(*) n ${within}`),
    };
  }

  get(key: string): Uint8Array | undefined {
    return this.#run(() => (this.#statements.get.get(keyBytes(key)) as { value: Uint8Array } | undefined)?.value);
  }

  range({ prefix, after, reverse, limit }: Range): { key: string; value: Uint8Array }[] {
    let [from, to] = bounds(prefix);
    if (after !== undefined && reverse) to = least(to, Buffer.from(after));
    // The smallest key after X is X followed by a zero byte.
    else if (after !== undefined) from = greatest(from, Buffer.from(`${after}\0`));
    const statement = reverse ? this.#statements.descending : this.#statements.ascending;
    const rows = this.#run(() => statement.all(from, to, limit ?? -1)) as unknown as Row[];
    return rows.map(({ key, value }) => ({ key: Buffer.from(key).toString(), value }));
  }

  count(prefix: string): number {
    return this.#run(() => (this.#statements.count.get(...bounds(prefix)) as { n: number }).n);
  }

  batch(writes: readonly Write[], durability: Durability): void {
    if (writes.length === 0 && durability === 'relaxed') return;
    const { begin, commit, put, delete: remove, barrier } = this.#statements;
    const keys = writes.map((write) => keyBytes(write.key));
    this.#run(() => {
      this.#setSynchronous(durability);
      try {
        begin.run();
        for (const [i, { value }] of writes.entries()) {
          if (value === null) remove.run(keys[i]!);
          else put.run(keys[i]!, value);
        }
        // A transaction that happens to change nothing is not synced: then this batch would not make the relaxed ones before it durable.
        if (durability === 'durable' && this.#unsynced) barrier.run();
        commit.run();
        this.#unsynced = durability === 'relaxed';
      } catch (error) {
        // SQLite has already rolled back by itself after some errors (full, I/O).
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /** In WAL mode FULL syncs the log at each commit and NORMAL only at checkpoints; it may change between transactions. */
  #setSynchronous(durability: Durability): void {
    if (this.#synchronous === durability) return;
    this.#database.exec(`PRAGMA synchronous = ${durability === 'durable' ? 'FULL' : 'NORMAL'}`);
    this.#synchronous = durability;
  }

  #run<T>(work: () => T): T {
    if (!this.#database.isOpen) throw new StoreError('closed', `${this.#path} is closed`);
    try {
      return work();
    } catch (error) {
      throw storeError(this.#path, error);
    }
  }
}

function keyBytes(key: string): Buffer {
  // A lone surrogate would become U+FFFD, and two keys one.
  if (key === '' || !key.isWellFormed()) throw new TypeError('a key is a non-empty, well-formed string');
  return Buffer.from(key);
}

/** Inclusive lower and exclusive upper bound of the keys that start with `prefix`. */
function bounds(prefix: string): [Buffer, Buffer] {
  const from = Buffer.from(prefix);
  // No UTF-8 byte is 0xff, so the last one can always be raised.
  const to = from.length === 0 ? Buffer.of(0xff) : Buffer.from(from);
  if (from.length > 0) to[to.length - 1]!++;
  return [from, to];
}

const least = (a: Buffer, b: Buffer): Buffer => (Buffer.compare(a, b) <= 0 ? a : b);
const greatest = (a: Buffer, b: Buffer): Buffer => (Buffer.compare(a, b) >= 0 ? a : b);
