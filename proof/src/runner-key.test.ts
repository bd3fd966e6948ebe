import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signatureHolds } from './attestation.ts';
import { loadRunnerKey, loadTrustedKey, publicKeyText } from './runner-key.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-key-'));
  path = join(folder, 'keys', 'runner.key');
});
afterEach(() => rm(folder, { recursive: true }));

describe('the runner key', () => {
  it('is made at first use, 0600, and is the same ever after', async () => {
    const made = await loadRunnerKey(path);
    const message = Buffer.from('evidence');
    const again = await loadRunnerKey(path);
    expect(signatureHolds(again.publicKey, message, made.sign(message))).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'keys'))).toEqual(['runner.key']);
  });

  it('is one key when two first uses meet', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadRunnerKey(path)));
    expect(new Set(keys.map(({ publicKey }) => publicKeyText(publicKey))).size).toBe(1);
  });

  it('is refused, and left alone, when it is unsafe or not a key', async () => {
    await loadRunnerKey(path);
    const text = await readFile(path, 'utf8');
    await chmod(path, 0o640);
    await expect(loadRunnerKey(path)).rejects.toMatchObject({ code: 'unsafe-mode', message: expect.stringContaining(`chmod 600 ${path}`) as string });
    await chmod(path, 0o600);
    await writeFile(path, text.slice(0, -3));
    await expect(loadRunnerKey(path)).rejects.toMatchObject({ code: 'corrupt' });
    expect(await readFile(path, 'utf8')).toBe(text.slice(0, -3));
    await writeFile(path, text.replace(/[0-9a-f]{64}/, 'g'.repeat(64)));
    await expect(loadRunnerKey(path)).rejects.toMatchObject({ code: 'corrupt' });
    await rm(path);
    await writeFile(join(folder, 'elsewhere'), text, { mode: 0o600 });
    await symlink(join(folder, 'elsewhere'), path);
    await expect(loadRunnerKey(path)).rejects.toMatchObject({ code: 'not-a-file' });
    await rm(path);
    await mkdir(path);
    await expect(loadRunnerKey(path)).rejects.toMatchObject({ code: 'not-a-file' });
  });

  it('is trusted by its public line or its own file', async () => {
    const { publicKey } = await loadRunnerKey(path);
    const shared = join(folder, 'runner.pub');
    await writeFile(shared, publicKeyText(publicKey));
    expect(publicKeyText(await loadTrustedKey(shared))).toBe(publicKeyText(publicKey));
    expect(publicKeyText(await loadTrustedKey(path))).toBe(publicKeyText(publicKey));
    await writeFile(shared, 'hello');
    await expect(loadTrustedKey(shared)).rejects.toMatchObject({ code: 'corrupt' });
  });
});
