import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Log, Neighbour } from '../ports/index.ts';
import { systemClock } from './clock.ts';
import { hostDirectory } from './host-directory.ts';
import { isDead, localAddresses, parseEntry } from './host-entry.ts';
import { neighboursPortTest } from './neighbours.port-test.ts';

const id = (text: string): string => createHash('sha256').update(text).digest('hex');
const network = id('one');
const clock = systemClock();
let root: string;
let directory: string;
let warnings: string[];
const log: Log = { write: (level, message, fields) => level === 'warn' && warnings.push(`${message} ${JSON.stringify(fields)}`) };
const started: AsyncDisposable[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'muster-host-'));
  directory = join(root, 'host');
  warnings = [];
});
afterEach(async () => {
  for (const one of started.splice(0)) await one[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

neighboursPortTest(() => ({ neighbours: () => hostDirectory({ directory, clock, log }) }));

async function start(name: string, address = '127.0.0.1:4001') {
  const found: Neighbour[] = [];
  const presence = await hostDirectory({ directory, clock, log }).start({ network, machine: id(name), address }, (neighbour) =>
    found.push(neighbour),
  );
  started.push(presence);
  return { found, presence, file: join(directory, network.slice(0, 16), `${id(name)}.json`) };
}
const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 2_000, interval: 10 });

describe('host directory', () => {
  it('keeps one private file for each instance, and nothing when all are gone', async () => {
    const { file, presence } = await start('alice');
    expect([directory, join(file, '..'), file].map((path) => (statSync(path).mode & 0o777).toString(8))).toEqual(['700', '700', '600']);
    await presence[Symbol.asyncDispose]();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('finds nothing of a killed process, and removes its file', async () => {
    const script = `import { hostDirectory } from ${JSON.stringify(new URL('./host-directory.ts', import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL('./clock.ts', import.meta.url).href)};
      const [, directory, network, machine] = process.argv;
      await hostDirectory({ directory, clock: systemClock(), log: { write() {} } }).start({ network, machine, address: '127.0.0.1:4002' }, () => {});
      console.log('up'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--conditions=muster-source', '--input-type=module', '-e', script, directory, network, id('bob')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const alice = await start('alice');
    await soon(() => expect(alice.found).toEqual([{ machine: id('bob'), addresses: ['127.0.0.1:4002'] }]));
    const file = join(alice.file, '..', `${id('bob')}.json`);
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(file)).toBe(true);
    await soon(() => expect(existsSync(file)).toBe(false));
    const carol = await start('carol');
    await soon(() => expect(carol.found.map(({ machine }) => machine)).toEqual([id('alice')]));
  });

  it('ignores what is no entry, and leaves it there', async () => {
    const alice = await start('alice');
    const folder = join(alice.file, '..');
    const good = JSON.parse(readFileSync(alice.file, 'utf8')) as Record<string, unknown>;
    const files: Record<string, string> = {
      'README.md': 'hello',
      [`${id('a')}.json`]: '{ not json',
      [`${id('b')}.json`]: JSON.stringify({ ...good, machine: id('other') }),
      [`${id('c')}.json`]: JSON.stringify({ ...good, machine: id('c'), network: id('two') }),
      [`${id('d')}.json`]: JSON.stringify({ ...good, machine: id('d'), address: 'nowhere' }),
      [`${id('e')}.json`]: JSON.stringify({ ...good, machine: id('e'), pid: -1 }),
      [`${id('f')}.json`]: JSON.stringify({ ...good, machine: id('f'), filler: 'x'.repeat(5000) }),
      [`${id('g')}.json`]: 'null',
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    symlinkSync(alice.file, join(folder, `${id('h')}.json`));
    const bob = await start('bob');
    await soon(() => expect(alice.found.map(({ machine }) => machine)).toEqual([id('bob')]));
    await soon(() => expect(bob.found.map(({ machine }) => machine)).toEqual([id('alice')]));
    expect(readdirSync(folder)).toHaveLength(Object.keys(files).length + 3);
  });

  it('puts its file back when somebody cleans up', async () => {
    const alice = await start('alice');
    unlinkSync(alice.file);
    await soon(() => expect(existsSync(alice.file)).toBe(true));
    rmSync(join(alice.file, '..'), { recursive: true });
    await soon(() => expect(existsSync(alice.file)).toBe(true));
    const bob = await start('bob');
    await soon(() => expect(alice.found.map(({ machine }) => machine)).toEqual([id('bob')]));
    expect(bob.file).toContain(directory);
  });

  it('uses no place that others can change, and says so', async () => {
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    await start('alice');
    symlinkSync(directory, join(root, 'link'));
    directory = join(root, 'link');
    await start('bob');
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('chmod 700');
    expect(readdirSync(join(root, 'host'))).toEqual([]);
  });

  it('gives addresses that work from this host', () => {
    expect(localAddresses('0.0.0.0:1')).toEqual(['127.0.0.1:1']);
    expect(localAddresses('[::]:1')).toEqual(['127.0.0.1:1', '[::1]:1']);
    expect(localAddresses('192.0.2.9:1')).toEqual(['192.0.2.9:1']);
  });

  it('tells a living process from an ended one, a reused id and an earlier boot', async () => {
    const { file } = await start('alice');
    const entry = parseEntry(readFileSync(file, 'utf8'), network, id('alice'))!;
    const [boot, namespace, born] = entry.mark.split('/');
    expect(isDead(entry)).toBe(false);
    expect(isDead({ ...entry, pid: 2 ** 22 + 1 })).toBe(true);
    expect(isDead({ ...entry, mark: `${boot}/${namespace}/${Number(born) - 1}` })).toBe(true);
    expect(isDead({ ...entry, mark: `another-boot/${namespace}/${born}` })).toBe(true);
    expect(isDead({ ...entry, mark: `${boot}/pid:[1]/${born}` })).toBe(false);
  });
});
