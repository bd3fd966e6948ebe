/** `muster identity` as its user runs it. */
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadIdentity, nodeCrypto } from '@muster/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Ended, OwnHome } from '../testing/own-home.ts';
import { typing } from '../testing/terminal.ts';

const PASSPHRASE = 'correct horse battery';

let home: OwnHome;
let said: string;
beforeEach(async () => {
  home = await OwnHome.create();
  said = '';
});
afterEach(() => home[Symbol.asyncDispose]());

async function muster(...args: string[]): Promise<Ended> {
  const ended = await home.muster(...args);
  said += ended.stdout + ended.stderr;
  return ended;
}

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await muster(...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

const path = (...parts: string[]): string => join(home.root, ...parts);
const keysOf = (name: string): string => path(`.muster-${name}`);

async function passphraseFile(passphrase = PASSPHRASE): Promise<string> {
  await writeFile(path('passphrase'), `${passphrase}\n`, { mode: 0o600 });
  return path('passphrase');
}

/** Keys as a first start makes them. */
const born = (name: string) => loadIdentity(nodeCrypto(), keysOf(name), { now: Date.now() });

/** The ids that a daemon of this instance has. */
async function idsOf(name: string): Promise<Record<string, unknown>> {
  await json('start', '--name', name);
  const { agent_id, machine_id, user_id, kem_public_key_b64 } = await json('agent', '--name', name);
  await json('stop', '--name', name);
  return { agent_id, machine_id, user_id, kem_public_key_b64 };
}

it('moves an identity, user included, to an instance without one, and never shows a key', async () => {
  const made = await json('identity', 'user-key', path('user.key'));
  expect(made).toMatchObject({ ok: true, file: path('user.key'), config_key: 'user_key_path', config_file: path('config', 'muster', 'config.toml') });
  await home.configure('alice', { user_key_path: path('user.key') });
  const alice = await idsOf('alice');
  expect(alice['user_id']).toBe(made['user_id']);

  const file = path('alice.identity');
  const exported = await json('identity', 'export', file, '--name', 'alice', '--passphrase-file', await passphraseFile());
  expect(exported).toEqual({ ok: true, file, agent_id: alice['agent_id'], keys: ['machine', 'agent-kem', 'agent', 'user'] });
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  await home.configure('bob', { user_key_path: path('bobs-user.key') });
  const imported = await json('identity', 'import', file, '--name', 'bob', '--passphrase-file', path('passphrase'));
  expect(imported).toMatchObject({ ok: true, agent_id: alice['agent_id'], user_key_path: null });
  for (const key of ['machine.key', 'agent.key', 'agent_kem.key']) expect((await stat(join(keysOf('bob'), key))).mode & 0o777).toBe(0o600);
  expect(await idsOf('bob')).toEqual(alice);

  await home.configure('carol');
  const hint = await muster('identity', 'import', file, '--name', 'carol', '--passphrase-file', path('passphrase'));
  expect(hint.stdout).toContain(`user_key_path = "${join(keysOf('carol'), 'user.key')}"`);

  for (const key of [path('user.key'), ...['machine.key', 'agent.key', 'agent_kem.key'].map((each) => join(keysOf('alice'), each))]) {
    const seed = (await readFile(key, 'utf8')).split(' ')[2]!;
    for (const place of [said, await readFile(file, 'utf8')]) expect(place).not.toContain(seed);
  }
  expect(said).not.toContain(PASSPHRASE);
}, 60_000);

it('overwrites nothing', async () => {
  await home.configure('alice');
  await born('alice');
  const file = path('alice.identity');
  await json('identity', 'export', file, '--name', 'alice', '--passphrase-file', await passphraseFile());
  const before = await readFile(file);
  const twice = await muster('identity', 'export', file, '--name', 'alice', '--passphrase-file', path('passphrase'));
  expect(twice).toEqual({ code: 1, stdout: '', stderr: `muster: ${file} exists already; move it away first\n` });
  expect(await readFile(file)).toEqual(before);
  const onto = await muster('identity', 'import', file, '--name', 'alice', '--passphrase-file', path('passphrase'));
  expect(onto).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^muster: alice has an identity already: .*machine\.key is there; .*\n$/u) as string,
  });
  const user = await muster('identity', 'user-key', file);
  expect(user).toMatchObject({ code: 1, stderr: expect.stringContaining('exists already') as string });
});

it('tells a wrong passphrase from a damaged file, and imports all keys or none', async () => {
  await json('identity', 'user-key', path('user.key'));
  await home.configure('alice', { user_key_path: path('user.key') });
  await born('alice');
  const file = path('alice.identity');
  await json('identity', 'export', file, '--name', 'alice', '--passphrase-file', await passphraseFile());
  const importing = (from: string): Promise<Ended> => muster('identity', 'import', from, '--name', 'bob', '--passphrase-file', path('passphrase'));

  await home.configure('bob', { user_key_path: join(path('user.key'), 'below-a-file') });
  expect(await importing(file)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^muster: nothing was imported: /u) as string });
  expect(await readdir(keysOf('bob'))).toEqual([]);

  const text = await readFile(file, 'utf8');
  await writeFile(path('damaged'), text.replace(/\n./u, '\n!'));
  expect(await importing(path('damaged'))).toEqual({
    code: 1,
    stdout: '',
    stderr: `muster: ${path('damaged')}: the file is damaged; take another copy of it\n`,
  });
  expect((await importing(path('missing'))).stderr).toBe(`muster: ${path('missing')}: cannot be read (ENOENT)\n`);
  await passphraseFile('another one entirely');
  expect(await importing(file)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^muster: .*: the passphrase is wrong \(.*\)\n$/u) as string,
  });
  expect(await readdir(keysOf('bob'))).toEqual([]);
});

it('takes a passphrase from a private file or a terminal, and from nowhere else', async () => {
  await home.configure('alice');
  const nothing = await muster('identity', 'export', path('x'), '--name', 'alice');
  expect(nothing).toMatchObject({ code: 1, stderr: expect.stringContaining('alice has no identity yet') as string });
  await born('alice');
  const blind = await muster('identity', 'export', path('x'), '--name', 'alice');
  expect(blind.stderr).toBe('muster: there is no terminal to ask for the passphrase on; give --passphrase-file FILE\n');
  await chmod(await passphraseFile(), 0o644);
  const open = await muster('identity', 'export', path('x'), '--name', 'alice', '--passphrase-file', path('passphrase'));
  expect(open.stderr).toContain('run: chmod 600');
  await mkdir(path('short'));
  await writeFile(path('short', 'p'), 'short\n', { mode: 0o600 });
  const short = await muster('identity', 'export', path('x'), '--name', 'alice', '--passphrase-file', path('short', 'p'));
  expect(short.stderr).toBe('muster: the passphrase is too short: at least 8 characters\n');

  const exporting = ['identity', 'export', path('x'), '--name', 'alice'];
  const first = 'passphrase for the exported identity: ';
  const different = await typing(home, exporting, [
    [first, `${PASSPHRASE}\r`],
    ['the same once more: ', 'something else\r'],
  ]);
  expect(different).toMatchObject({ code: 1, screen: expect.stringContaining('these were two different passphrases') as string });
  const same = await typing(home, exporting, [
    [first, `${PASSPHRASE}\r`],
    ['the same once more: ', `${PASSPHRASE}\r`],
  ]);
  expect(same.code).toBe(0);
  expect(same.screen).not.toContain('horse');
  await home.configure('bob');
  const back = await typing(home, ['identity', 'import', path('x'), '--name', 'bob'], [[`passphrase of ${path('x')}: `, `${PASSPHRASE}\r`]]);
  expect(back).toMatchObject({ code: 0, screen: expect.stringContaining('bob is now agent') as string });
});
