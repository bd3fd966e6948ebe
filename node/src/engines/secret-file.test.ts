import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSecret, readSecret, writeFileAtomic, writeSecretAtomic, type SecretFileErrorCode } from './secret-file.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'muster-secret-'));
  path = join(directory, 'deep', 'token');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const secret = Buffer.from('a secret');
const failure = (code: SecretFileErrorCode): unknown =>
  expect.objectContaining({ name: 'SecretFileError', code, path, message: expect.stringContaining(path) });
const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);
const isRoot = process.getuid?.() === 0;

describe('secret file', () => {
  it('gives back what was written, privately, and leaves nothing else behind', async () => {
    await writeSecretAtomic(path, Buffer.from('old'));
    chmodSync(path, 0o644);
    await writeSecretAtomic(path, secret);
    expect(Buffer.from(await readSecret(path)).equals(secret)).toBe(true);
    expect([mode(path), mode(join(path, '..'))]).toEqual(['600', '700']);
    expect(readdirSync(join(path, '..'))).toEqual(['token']);
  });

  it('writes public files with their own mode, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      await writeFileAtomic(path, 'text', 0o644);
    } finally {
      process.umask(before);
    }
    expect(mode(path)).toBe('644');
    expect(readFileSync(path, 'utf8')).toBe('text');
  });

  it('creates, but never overwrites', async () => {
    await createSecret(path, secret);
    await expect(createSecret(path, Buffer.from('other'))).rejects.toEqual(failure('exists'));
    expect(readFileSync(path).equals(secret)).toBe(true);
    expect(mode(path)).toBe('600');
    expect(readdirSync(join(path, '..'))).toEqual(['token']);
  });

  it('replaces a symbolic link instead of writing through it', async () => {
    const victim = join(directory, 'victim');
    writeFileSync(victim, 'untouched');
    path = join(directory, 'link');
    symlinkSync(victim, path);
    await writeSecretAtomic(path, secret);
    expect(readFileSync(victim, 'utf8')).toBe('untouched');
    expect(Buffer.from(await readSecret(path)).equals(secret)).toBe(true);
  });

  const bad: [string, SecretFileErrorCode, (file: string) => void][] = [
    ['a missing file', 'missing', (file) => rmSync(file)],
    ['a file that others may read', 'too_open', (file) => chmodSync(file, 0o640)],
    ['a symbolic link', 'symlink', (file) => (rmSync(file), symlinkSync('/dev/null', file))],
    ['a huge file', 'corrupt', (file) => writeFileSync(file, Buffer.alloc(70_000))],
    ['a directory', 'corrupt', (file) => (rmSync(file), execFileSync('mkdir', ['-m', '700', file]))],
    ['a FIFO, without hanging on it', 'corrupt', (file) => (rmSync(file), execFileSync('mkfifo', ['-m', '600', file]))],
  ];
  it.each(bad)('refuses %s', async (_, code, spoil) => {
    await writeSecretAtomic(path, secret);
    spoil(path);
    await expect(readSecret(path)).rejects.toEqual(failure(code));
  });

  it.runIf(isRoot)('refuses a file of another user', async () => {
    await writeSecretAtomic(path, secret);
    chownSync(path, 12345, 12345);
    await expect(readSecret(path)).rejects.toEqual(failure('foreign_owner'));
  });

  const mayMount = process.platform === 'linux' && spawnSync('unshare', ['-m', 'true']).status === 0;
  it.skipIf(!mayMount)('says full and read-only, and keeps the old content', () => {
    const script = `import { execFileSync } from 'node:child_process';
      import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
      import { writeSecretAtomic } from ${JSON.stringify(new URL('./secret-file.ts', import.meta.url).href)};
      const disk = process.argv[1], file = disk + '/token';
      const code = (path) => writeSecretAtomic(path, Buffer.alloc(8000, 2)).then(() => 'written', (error) => error.code);
      await writeSecretAtomic(file, Buffer.from('old'));
      try { writeFileSync(disk + '/filler', Buffer.alloc(1 << 20)); } catch {}
      const full = await code(file);
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      const readOnly = [await code(file), await code(disk + '/new/token')];
      console.log(JSON.stringify({ full, readOnly, content: readFileSync(file, 'utf8'), names: readdirSync(disk) }));`;
    const command = 'mount -t tmpfs -o size=64k none "$1"; exec "$2" --conditions=muster-source --input-type=module -e "$3" "$1"';
    const output = execFileSync('unshare', ['-m', 'sh', '-ec', command, 'sh', directory, process.execPath, script], { encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual({
      full: 'full',
      readOnly: ['read_only', 'read_only'],
      content: 'old',
      names: expect.arrayContaining(['token', 'filler']),
    });
    expect(JSON.parse(output).names).toHaveLength(2);
    expect(existsSync(join(directory, 'token'))).toBe(false);
  });
});
