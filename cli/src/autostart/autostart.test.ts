/** `muster autostart`, with a systemctl that tells what it was asked: the real one needs a login session. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Ended, OwnHome } from '../testing/own-home.ts';
import { serviceManager } from './service-manager.ts';

let home: OwnHome;
let unit: string;
beforeEach(async () => {
  home = await OwnHome.create();
  unit = join(home.root, 'config', 'systemd', 'user', 'muster-alice.service');
});
afterEach(() => home[Symbol.asyncDispose]());

/** `answer`: the exit status of everything that systemctl is asked. */
async function withSystemctl(answer: number): Promise<(...args: string[]) => Promise<Ended>> {
  const bin = join(home.root, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'systemctl'), `#!/bin/sh\necho "$@" >> ${join(home.root, 'asked')}\nexit ${answer}\n`);
  await chmod(join(bin, 'systemctl'), 0o755);
  return async (...args) => {
    const child = home.spawn('muster', ['autostart', '--name', 'alice', ...args], { PATH: `${bin}:${home.env['PATH']}` });
    const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
    return { code: child.exitCode, stdout, stderr };
  };
}

const asked = async (): Promise<string[]> => (await readFile(join(home.root, 'asked'), 'utf8')).trim().split('\n');

it('writes a unit, enables it, does so once more without harm, and takes it back', async () => {
  await home.configure('alice');
  const autostart = await withSystemctl(0);
  const first = await autostart();
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toContain(`written ${unit}\ndone: systemctl --user daemon-reload && systemctl --user enable --now muster-alice.service\n`);
  const written = await readFile(unit, 'utf8');
  expect(written).toMatch(/^ExecStart="\/.*" .*"\/.*\/musterd\.ts" "--name" "alice"$/mu);
  expect(written).toContain(`Environment="XDG_DATA_HOME=${join(home.root, 'data')}"`);
  const { mtimeMs } = await stat(unit);

  expect(JSON.parse((await autostart('--json')).stdout)).toMatchObject({ ok: true, file: unit, state: 'unchanged', enabled: true });
  expect((await stat(unit)).mtimeMs).toBe(mtimeMs);

  expect((await autostart('--remove')).stdout).toBe(`removed ${unit}\n`);
  expect(existsSync(unit)).toBe(false);
  expect((await asked()).slice(-3)).toEqual(['--user show-environment', '--user disable --now muster-alice.service', '--user daemon-reload']);
  expect(await autostart('--remove')).toEqual({ code: 0, stdout: 'there was no autostart\n', stderr: '' });
});

it('says what to run where systemd cannot be asked, and leaves nothing enabled behind', async () => {
  const autostart = await withSystemctl(1);
  const { code, stdout } = await autostart();
  expect(code).toBe(0);
  expect(stdout).toContain('now run:\n  systemctl --user daemon-reload\n  systemctl --user enable --now muster-alice.service\n');
  expect(await asked()).toEqual(['--user show-environment']);
  const link = join(unit, '..', 'default.target.wants', 'muster-alice.service');
  await mkdir(join(link, '..'));
  await symlink(unit, link);
  expect((await autostart('--remove')).code).toBe(0);
  expect([existsSync(unit), existsSync(link)]).toEqual([false, false]);
});

it('does not start a second daemon beside one that runs', async () => {
  await home.configure('alice');
  expect((await home.muster('start', '--name', 'alice')).code).toBe(0);
  const autostart = await withSystemctl(0);
  expect((await autostart()).stdout).toContain('runs already');
  expect(await asked()).toContain('--user enable muster-alice.service');
});

it('leaves a unit of somebody else alone', async () => {
  await mkdir(join(unit, '..'), { recursive: true });
  await writeFile(unit, '[Service]\nExecStart=/bin/true\n');
  const autostart = await withSystemctl(0);
  for (const args of [[], ['--remove']]) {
    const refused = await autostart(...args);
    expect(refused).toEqual({ code: 1, stdout: '', stderr: `muster: ${unit} was not written by muster autostart; move it away first\n` });
  }
  expect(await readFile(unit, 'utf8')).toBe('[Service]\nExecStart=/bin/true\n');
});

it('knows the places of macOS, and that there are others', () => {
  const launchd = serviceManager('darwin', { HOME: '/Users/a' })!;
  expect(launchd.file('bob')).toBe('/Users/a/Library/LaunchAgents/muster-bob.plist');
  expect(launchd.enabling('bob', true)).toEqual([['launchctl', 'bootstrap', expect.stringMatching(/^gui\/\d+$/u), launchd.file('bob')]]);
  expect(serviceManager('sunos', {})).toBeUndefined();
});
