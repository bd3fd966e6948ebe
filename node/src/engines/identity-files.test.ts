import { chmodSync, chownSync, copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyUserCertificate } from '@muster/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeCrypto } from './crypto.ts';
import { loadIdentity } from './identity-files.ts';
import { createKeyFile, readKeyFile } from './key-file.ts';
import type { SecretFileErrorCode } from './secret-file.ts';

const crypto = nodeCrypto();
const NAMES = ['agent.key', 'agent_kem.key', 'machine.key'];
let root: string;
let directory: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'muster-identity-'));
  directory = join(root, 'identity');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const load = (userKeyPath?: string) => loadIdentity(crypto, directory, { now: 1_700_000_000_500, userKeyPath });
const failure = (code: SecretFileErrorCode, name: string): unknown =>
  expect.objectContaining({ name: 'SecretFileError', code, message: expect.stringContaining(join(directory, name)) });
const contents = (): Record<string, string> =>
  Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'latin1')]));

describe('identity files', () => {
  it('makes an identity where there is none, and finds the same one again', async () => {
    const made = await load();
    expect(readdirSync(directory).sort()).toEqual(NAMES);
    expect(NAMES.map((name) => statSync(join(directory, name)).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(made.user).toBeUndefined();
    expect(made.agentId).not.toBe(made.machineId);
    expect(await load()).toEqual(made);
    expect(await crypto.verify(made.agentKey.publicKey, made.kemKey.seed, await crypto.sign(made.agentKey, made.kemKey.seed))).toBe(true);
  });

  it.each(NAMES)('refuses a damaged %s, and changes nothing', async (name) => {
    await load();
    const file = join(directory, name);
    const good = readFileSync(file, 'latin1');
    const seedAt = good.indexOf(' ', good.indexOf(' ') + 1) + 3;
    const other = good[seedAt] === 'A' ? 'B' : 'A';
    for (const bad of ['', 'nonsense', good.slice(0, -3), good.slice(0, seedAt) + other + good.slice(seedAt + 1), good.replace('key-1', 'key-2')]) {
      writeFileSync(file, bad, 'latin1');
      const before = contents();
      await expect(load()).rejects.toEqual(failure('corrupt', name));
      expect(contents()).toEqual(before);
    }
  });

  it('refuses a key of another kind', async () => {
    await load();
    copyFileSync(join(directory, 'machine.key'), join(directory, 'agent.key'));
    await expect(load()).rejects.toEqual(failure('corrupt', 'agent.key'));
  });

  it.each(NAMES)('refuses to go on when only %s is lost, and makes no other', async (name) => {
    await load();
    rmSync(join(directory, name));
    await expect(load()).rejects.toEqual(failure('missing', name));
    expect(existsSync(join(directory, name))).toBe(false);
  });

  it('goes on with a first start that was interrupted anywhere, and keeps the keys made so far', async () => {
    const whole = await load();
    const order = ['machine.key', 'agent_kem.key', 'agent.key'];
    for (let made = 3; made >= 0; made--) {
      writeFileSync(join(directory, '.creating'), '');
      for (const name of order.slice(made)) rmSync(join(directory, name), { force: true });
      const kept = order.slice(0, made).map((name) => readFileSync(join(directory, name), 'latin1'));
      const identity = await load();
      expect(order.slice(0, made).map((name) => readFileSync(join(directory, name), 'latin1'))).toEqual(kept);
      expect(identity.agentId === whole.agentId).toBe(made === 3);
      expect(readdirSync(directory).sort()).toEqual(NAMES);
      expect(await load()).toEqual(identity);
    }
  });

  it('refuses a place or a key that others can change', async () => {
    await load();
    chmodSync(join(directory, 'agent.key'), 0o644);
    await expect(load()).rejects.toEqual(failure('too_open', 'agent.key'));
    chmodSync(join(directory, 'agent.key'), 0o600);
    chmodSync(directory, 0o777);
    await expect(load()).rejects.toMatchObject({ code: 'too_open', path: directory });
  });

  it.runIf(process.getuid?.() === 0)('refuses a place or a key of another user', async () => {
    await load();
    chownSync(join(directory, 'machine.key'), 12345, 12345);
    await expect(load()).rejects.toEqual(failure('foreign_owner', 'machine.key'));
    chownSync(directory, 12345, 12345);
    await expect(load()).rejects.toMatchObject({ code: 'foreign_owner', path: directory });
  });

  it('lets the human of a user key vouch for the agent, and never makes that key', async () => {
    const path = join(root, 'user.key');
    await expect(load(path)).rejects.toMatchObject({ code: 'missing', path });
    const seed = crypto.randomBytes(32);
    await createKeyFile(path, 'user', seed);
    const { user, agentKey } = await load(path);
    expect(user!.certificate.issuedAt).toBe(1_700_000_000);
    expect(await verifyUserCertificate(crypto, user!.certificate, agentKey.publicKey)).toBe(user!.id);
    expect(user!.certificate.userKey).toEqual(crypto.signingKey(seed).publicKey);
  });

  it('never overwrites a key file, and takes only a seed of the right size', async () => {
    const path = join(root, 'user.key');
    const seed = crypto.randomBytes(32);
    await expect(createKeyFile(path, 'user', crypto.randomBytes(31))).rejects.toThrow(RangeError);
    await createKeyFile(path, 'user', seed);
    await expect(createKeyFile(path, 'user', crypto.randomBytes(32))).rejects.toMatchObject({ code: 'exists' });
    expect(await readKeyFile(path, 'user')).toEqual(seed);
  });
});
