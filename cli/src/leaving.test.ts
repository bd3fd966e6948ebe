/** `muster uninstall` and `muster purge` as their user runs them. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completionScript } from './completion.ts';
import { typing } from './testing/terminal.ts';
import { OwnHome } from './testing/own-home.ts';

let home: OwnHome;
beforeEach(async () => {
  home = await OwnHome.create();
});
afterEach(() => home[Symbol.asyncDispose]());

const keysOf = (name: string): string => join(home.root, `.muster-${name}`);

async function startedAndStopped(name: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await home.configure(name, more);
  expect((await home.muster('start', '--name', name)).code).toBe(0);
  expect((await home.muster('stop', '--name', name)).code).toBe(0);
}

it('uninstall stops what runs, takes back what was set up, and keeps data and keys', async () => {
  await home.configure('alice');
  const started = JSON.parse((await home.muster('start', '--name', 'alice', '--json')).stdout) as { pid: number; agent_id: string };
  expect((await home.muster('autostart', '--name', 'alice')).code).toBe(0);
  const unit = join(home.root, 'config', 'systemd', 'user', 'muster-alice.service');
  const completions = join(home.root, 'data', 'bash-completion', 'completions');
  await mkdir(completions, { recursive: true });
  await writeFile(join(completions, 'muster'), `${completionScript('bash')}\n`);
  await mkdir(join(home.root, '.zfunc'));
  await writeFile(join(home.root, '.zfunc', '_muster'), '# my own completion for muster\n');

  expect(await home.muster('uninstall', '--name', 'alice')).toMatchObject({ code: 1, stderr: expect.stringContaining('every instance') as string });
  const { code, stdout } = await home.muster('uninstall', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    stopped: ['alice'],
    removed: [unit, join(completions, 'muster')],
    failed: [],
    kept: [{ name: 'alice', data_dir: home.dataDir('alice'), identity_dir: keysOf('alice') }],
  });
  expect(existsSync(unit) || existsSync(join(completions, 'muster'))).toBe(false);
  expect(existsSync(join(home.root, '.zfunc', '_muster'))).toBe(true);
  expect(await readFile(`/proc/${started.pid}/stat`, 'utf8').catch(() => 'gone')).toMatch(/^gone$|\) [ZX] /u);
  expect(JSON.parse((await home.muster('instances', '--json')).stdout)).toMatchObject({
    instances: [{ name: 'alice', running: false, agent_id: started.agent_id }],
  });

  const again = await home.muster('uninstall');
  expect(again.stdout).toMatch(/^nothing ran, and nothing was set up\nkept {4}alice: data in .*\n {8}alice: keys in .*\n/u);
});

describe('purge', () => {
  it('deletes data and identity of one instance, and no other file', async () => {
    await startedAndStopped('alice');
    await startedAndStopped('bob');
    await writeFile(join(keysOf('alice'), 'runner.key'), 'of the runner of proofs');
    const { code, stderr } = await home.muster('purge', '--name', 'alice', '--yes');
    expect(code).toBe(0);
    expect(stderr).toContain(`this deletes, for ever:\n  ${join(keysOf('alice'), 'agent.key')}\n`);
    expect(stderr).toContain(`and keeps:\n  ${join(home.root, 'config', 'muster-alice', 'config.toml')}\n  ${join(keysOf('alice'), 'runner.key')}\n`);
    expect(existsSync(home.dataDir('alice'))).toBe(false);
    expect(await readdir(keysOf('alice'))).toEqual(['runner.key']);
    await rm(join(home.root, 'config', 'muster-bob', 'config.toml'));
    expect((await home.muster('purge', '--name', 'bob')).stderr).not.toContain('and keeps');
    expect((await readdir(keysOf('bob'))).toSorted()).toEqual(['agent.key', 'agent_kem.key', 'machine.key']);
    expect(await readdir(home.dataDir('bob'))).toContain('node.sqlite');
  });

  it('refuses while the daemon runs, without a word, and where nothing is', async () => {
    await home.configure('alice');
    expect((await home.muster('start', '--name', 'alice')).code).toBe(0);
    const running = await home.muster('purge', '--name', 'alice', '--yes');
    expect(running).toMatchObject({ code: 1, stderr: expect.stringMatching(/runs \(pid \d+\); first: muster stop --name alice\n$/u) as string });
    expect((await home.muster('stop', '--name', 'alice')).code).toBe(0);
    const unsure = await home.muster('purge', '--name', 'alice');
    expect(unsure).toMatchObject({ code: 1, stderr: expect.stringMatching(/muster: nothing was deleted; if you mean it, add --yes\n$/u) as string });
    expect(existsSync(join(keysOf('alice'), 'agent.key'))).toBe(true);
    expect((await home.muster('purge', '--name', 'nobody', '--yes')).stderr).toMatch(/^muster: there is nothing of nobody in /u);
  });

  it('takes only what a daemon writes from a folder that is not its own, and nothing of what the configuration names', async () => {
    const shared = join(home.root, 'shared');
    await mkdir(shared);
    await writeFile(join(shared, 'thesis.txt'), 'years of work');
    await startedAndStopped('alice', { data_dir: shared, identity_dir: join(shared, 'id') });
    await writeFile(join(shared, 'id', 'user.key'), 'of the human');
    // As a killed daemon leaves it.
    await writeFile(join(shared, 'instance.lock-journal'), '');
    expect((await home.muster('purge', '--name', 'alice', '--yes')).code).toBe(0);
    expect((await readdir(shared, { recursive: true })).toSorted()).toEqual(['id', 'id/user.key', 'thesis.txt']);
  });

  it('refuses what is shared with another instance, and links', async () => {
    await startedAndStopped('alice');
    await home.configure('bob', { identity_dir: keysOf('alice') });
    const shared = await home.muster('purge', '--name', 'alice', '--yes');
    expect(shared).toMatchObject({ code: 1, stderr: expect.stringContaining(`${keysOf('alice')} is also that of bob`) as string });
    await home.configure('carol');
    await mkdir(join(home.root, 'elsewhere'));
    await symlink(join(home.root, 'elsewhere'), home.dataDir('carol'));
    const linked = await home.muster('purge', '--name', 'carol', '--yes');
    expect(linked).toMatchObject({ code: 1, stderr: expect.stringContaining('is not a directory of its own') as string });
  });

  it('asks a person to type the name', async () => {
    await startedAndStopped('alice');
    const wrong = await typing(home, ['purge', '--name', 'alice'], [['to delete all this: ', 'bob\r']]);
    expect(wrong).toMatchObject({ code: 1, screen: expect.stringContaining('nothing was deleted') as string });
    expect(existsSync(join(keysOf('alice'), 'agent.key'))).toBe(true);
    const left = await typing(home, ['purge', '--name', 'alice'], [['to delete all this: ', '\u0003']]);
    expect(left.code).toBe(130);
    expect(existsSync(join(keysOf('alice'), 'agent.key'))).toBe(true);
    const right = await typing(home, ['purge', '--name', 'alice'], [['to delete all this: ', 'alice\r']]);
    expect(right.code).toBe(0);
    expect(existsSync(keysOf('alice')) || existsSync(home.dataDir('alice'))).toBe(false);
  });
});
