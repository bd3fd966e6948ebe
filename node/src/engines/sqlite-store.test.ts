import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoreErrorCode } from '../ports/index.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { storePortTest } from './store.port-test.ts';

const ENGINE = new URL('./sqlite-store.ts', import.meta.url).href;
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'muster-store-'));
  path = join(directory, 'data', 'store.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

let opened = 0;
storePortTest(() => openSqliteStore(join(directory, `${opened++}.db`)));

const failure = (code: StoreErrorCode): Error =>
  expect.objectContaining({ name: 'StoreError', code, message: expect.stringContaining(path) }) as Error;
const value = (size: number): Uint8Array => new Uint8Array(size).fill(1);
const script = (body: string): string[] => [
  '--conditions=muster-source',
  '--input-type=module',
  '-e',
  `import { openSqliteStore } from ${JSON.stringify(ENGINE)};\n${body}`,
];
const OPEN_AND_TELL = `try { openSqliteStore(process.argv[1]); console.log('opened'); } catch (error) { console.log(error.code + ' ' + error.message); }`;
const openElsewhere = (): string => execFileSync(process.execPath, [...script(OPEN_AND_TELL), path], { encoding: 'utf8' });

/** A process that writes until it is killed, printing a key once its batch has returned. */
function writer(durability: string): Promise<{ kill(): Promise<string[]> }> {
  const body = `const store = openSqliteStore(process.argv[1]);
    for (let i = 0; ; i++) { store.batch([{ key: 'k' + i, value: Buffer.alloc(200, i) }], ${JSON.stringify(durability)}); process.stdout.write('k' + i + '\\n'); }`;
  const child = spawn(process.execPath, [...script(body), path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const ended = new Promise<string[]>((resolve) => {
    // The last line may be cut by the kill: only complete ones were acknowledged.
    child.on('close', () => resolve(output.split('\n').slice(0, -1)));
  });
  return new Promise((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.length > 500) resolve({ kill: () => (child.kill('SIGKILL'), ended) });
    });
  });
}

describe('sqlite store', () => {
  it('keeps what was written over a close and a new open', () => {
    const store = openSqliteStore(path);
    store.batch([{ key: 'a', value: value(3) }], 'relaxed');
    store.close();
    const again = openSqliteStore(path);
    expect(again.get('a')).toEqual(value(3));
    again.close();
  });

  it('is private: file and log 0600, directory 0700, also when the file was too open', () => {
    openSqliteStore(path).close();
    chmodSync(path, 0o644);
    const store = openSqliteStore(path);
    store.batch([{ key: 'a', value: value(3) }], 'durable');
    const modes = [join(path, '..'), path, `${path}-wal`].map((name) => (statSync(name).mode & 0o777).toString(8));
    store.close();
    expect(modes).toEqual(['700', '600', '600']);
  });

  it('belongs to one process until that one ends, however it ends', async () => {
    const child = await writer('relaxed');
    expect(() => openSqliteStore(path)).toThrow(failure('locked'));
    await child.kill();
    const store = openSqliteStore(path);
    expect(openElsewhere()).toMatch(/^locked .*stop it first/);
    expect(() => openSqliteStore(path)).toThrow(failure('locked'));
    // The refused second open in this very process must not have cost us the lock.
    expect(openElsewhere()).toMatch(/^locked/);
    store.close();
    expect(openElsewhere()).toBe('opened\n');
  });

  it.each(['durable', 'relaxed'])('keeps every acknowledged %s batch of a process that was killed', async (durability) => {
    for (let round = 0; round < 3; round++) {
      rmSync(join(path, '..'), { recursive: true, force: true });
      const acknowledged = await (await writer(durability)).kill();
      const store = openSqliteStore(path);
      const lost = acknowledged.filter((key) => store.get(key)?.length !== 200);
      store.close();
      expect(acknowledged.length).toBeGreaterThan(50);
      expect(lost).toEqual([]);
    }
  });

  const mayTrace = process.platform === 'linux' && spawnSync('strace', ['-c', 'true']).status === 0;

  it.skipIf(!mayTrace)('syncs the log once for each durable batch, also for one that changes nothing, and never for a relaxed one', () => {
    const body = `import { accessSync } from 'node:fs';
      const store = openSqliteStore(process.argv[1]);
      const mark = () => { try { accessSync('/a-mark-in-the-trace'); } catch {} };
      const batch = (value, durability) => store.batch([{ key: 'a', value: Buffer.of(value) }], durability);
      mark(); for (let i = 1; i <= 5; i++) batch(i, 'durable');
      mark(); for (let i = 6; i <= 10; i++) batch(i, 'relaxed');
      mark(); batch(10, 'durable');
      mark(); batch(11, 'relaxed'); store.batch([], 'durable');
      mark();`;
    const log = join(directory, 'trace');
    execFileSync('strace', ['-f', '-o', log, '-e', 'trace=fsync,fdatasync,access,faccessat,faccessat2', process.execPath, ...script(body), path]);
    const phases = readFileSync(log, 'utf8').split('a-mark-in-the-trace').slice(1, -1);
    expect(phases.map((phase) => phase.match(/f(data)?sync\(/g)?.length ?? 0)).toEqual([5, 0, 1, 1]);
  });

  it('refuses to grow beyond its bound, leaves everything as it was, and goes on', () => {
    const store = openSqliteStore(path, { maxBytes: 64 * 1024 });
    store.batch([{ key: 'a', value: value(10) }], 'durable');
    const tooMuch = Array.from({ length: 100 }, (_, i) => ({ key: `b${i}`, value: value(2000) }));
    expect(() => store.batch([{ key: 'a', value: null }, ...tooMuch], 'durable')).toThrow(failure('full'));
    expect(store.get('a')).toEqual(value(10));
    expect(store.count('b')).toBe(0);
    store.batch([{ key: 'c', value: value(10) }], 'durable');
    expect(store.get('c')).toEqual(value(10));
    store.close();
  });

  const damages: Record<string, [StoreErrorCode, () => void]> = {
    noise: ['corrupt', () => writeFileSync(path, value(9000))],
    'a truncated file': ['corrupt', () => truncateSync(path, 3 * 4096)],
    'an overwritten page': ['corrupt', () => writeFileSync(path, readFileSync(path).fill(0x55, 5 * 4096, 6 * 4096))],
    'a newer format': ['too_new', () => alter('PRAGMA user_version = 2')],
    'the database of another program': ['corrupt', () => alter('PRAGMA application_id = 7')],
  };

  it.each(Object.entries(damages))('refuses %s, and changes none of it', (_, [code, damage]) => {
    const store = openSqliteStore(path);
    for (let i = 0; i < 200; i++) store.batch([{ key: `k${i}`, value: value(500) }], 'relaxed');
    store.close();
    damage();
    const before = readFileSync(path);
    expect(() => openSqliteStore(path)).toThrow(failure(code));
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  function alter(sql: string): void {
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
  }

  const mayMount = process.platform === 'linux' && spawnSync('unshare', ['-m', 'true']).status === 0;

  it.skipIf(!mayMount)('says full on a full disk, and keeps what it had', () => {
    const body = `const store = openSqliteStore(process.argv[1] + '/store.db');
      let kept = 0, code;
      try { for (;;) { store.batch([{ key: 'k' + kept, value: Buffer.alloc(4000, 1) }], 'durable'); kept++; } } catch (error) { code = error.code; }
      const present = store.count(''); store.close();
      const again = openSqliteStore(process.argv[1] + '/store.db');
      console.log(JSON.stringify({ code, same: kept === present && again.count('') === kept, some: kept > 10 }));`;
    expect(onTmpfs('size=512k', script(body))).toEqual({ code: 'full', same: true, some: true });
  });

  it.skipIf(!mayMount)('says read-only on a read-only disk', () => {
    const body = `import { execFileSync } from 'node:child_process';
      const file = process.argv[1] + '/store.db';
      openSqliteStore(file).close();
      execFileSync('mount', ['-o', 'remount,ro', process.argv[1]]);
      const code = (path) => { try { openSqliteStore(path); } catch (error) { return error.code; } };
      console.log(JSON.stringify({ existing: code(file), fresh: code(process.argv[1] + '/new/store.db') }));`;
    expect(onTmpfs('size=4m', script(body))).toEqual({ existing: 'read_only', fresh: 'read_only' });
  });

  /** Runs a script in a mount namespace of its own, with a small disk as its argument; gives the JSON it prints. */
  function onTmpfs(options: string, node: string[]): unknown {
    const command = 'mount -t tmpfs -o "$1" none "$2"; disk=$2; shift 2; exec "$@" "$disk"';
    return JSON.parse(
      execFileSync('unshare', ['-m', 'sh', '-ec', command, 'sh', options, directory, process.execPath, ...node], { encoding: 'utf8' }),
    );
  }
});
