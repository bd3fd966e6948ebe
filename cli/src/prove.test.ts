/** `prove`, `verify` and `report` as their user runs them. */
import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSuites } from './suites.ts';
import { type Ended, listen, OwnHome, until } from './testing/own-home.ts';

let home: OwnHome;
beforeAll(async () => {
  home = await OwnHome.create();
});
afterAll(() => home[Symbol.asyncDispose]());

describe('a run of real daemons', () => {
  let run: Ended;
  const bundle = (): string => join(home.root, 'proof');
  beforeAll(async () => {
    run = await home.muster('prove', '--grep', '^smoke/(identity|direct) ', '--seed', '7', '--out', 'proof', '--nodes', '2');
  });

  it('tells its progress in plain lines, then the verdict, the bundle and how to verify it', () => {
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const publicKey = join(home.root, '.muster', 'runner.pub');
    expect(run.stdout).toMatch(/^\d+ scenarios? in 1 world, seed 7\n/);
    expect(run.stdout).toMatch(/\n✓ smoke\/identity .*\n(?:.*\n)*\npassed: .*\n/);
    expect(run.stdout).toContain(`\nbundle: ${bundle()}\nverify: muster verify ${bundle()} --key ${publicKey}\n`);
    expect(run.stdout).toMatch(/\ntook: boot [\d.]+ s, smoke [\d.]+ s, bundle [\d.]+ s\n/);
    expect(run.stdout).not.toContain('\u001b');
  });

  it('keeps the key of the runner to itself', async () => {
    expect((await stat(join(home.root, '.muster', 'runner.key'))).mode & 0o777).toBe(0o600);
  });

  it('is accepted by the command that it printed, and says how to repeat it', async () => {
    const words = /verify: muster (.*)/.exec(run.stdout)![1]!.split(' ');
    const verified = await home.muster(...words);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toMatch(
      /^accepted .*\nsigned by \(the runner key is the one given\):\n  runner runner [0-9a-f]{64}\n  node alice [0-9a-f]{64}\n/,
    );
    const report = await home.muster('report', 'proof');
    expect(report.code).toBe(0);
    expect(report.stdout).toContain("again: muster prove --seed 7 --grep '^smoke/(identity|direct) ' --nodes 2");
    expect(report.stdout).toMatch(/\npass +smoke\/identity\//);
  });

  it('has a report that can be taken out', async () => {
    expect((await home.muster('report', 'proof', '--open-path')).stdout).toBe(`${join(bundle(), 'data', 'report.html')}\n`);
    expect((await home.muster('report', 'proof', '--out', 'out.html')).code).toBe(0);
    expect(await readFile(join(home.root, 'out.html'), 'utf8')).toMatch(/^<!doctype html>/i);
  });

  it('has a history that other checkers can read', async () => {
    expect((await home.muster('export', 'proof', '--out', 'history.edn')).code).toBe(0);
    const history = await readFile(join(home.root, 'history.edn'), 'utf8');
    expect(history).toMatch(/^\{:index 0, :time \d+, :type :invoke, :process 0, :f :[\w.]+, :value .*\}\n/);
    expect((await home.muster('export', 'proof')).stdout).toBe(history);
    expect((await home.muster('export', 'proof', '--out', 'history.edn')).code).toBe(4);
  });

  it('can be part of a roll-up, which is verified like it', async () => {
    const merged = await home.muster('merge', 'proof', '--out', 'rolled');
    expect(merged).toMatchObject({ code: 0, stdout: expect.stringMatching(/^passed: .*\n(?:.*\n)*roll-up: .*\n/) });
    const words = /verify: muster (.*)/.exec(merged.stdout)![1]!.split(' ');
    expect(await home.muster(...words)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^accepted .*rolled\n/) });
    expect((await home.muster('merge', 'proof', '--out', 'rolled')).code).toBe(4);
    expect((await home.muster('merge', 'proof', 'proof', '--out', 'twice')).code).toBe(4);
  });

  it('is not written over', async () => {
    const again = await home.muster('prove', '--grep', '^smoke/identity ', '--out', 'proof');
    expect(again.code).toBe(4);
    expect(again.stderr).toContain(`${bundle()} is there already`);
  });

  it('is refused with another key, and once a byte was changed', async () => {
    const stranger = await OwnHome.create();
    try {
      const other = await stranger.muster('prove', '--grep', '^smoke/unknown-path ', '--out', 'other', '--json');
      expect({ code: other.code, body: JSON.parse(other.stdout) }).toMatchObject({
        code: 0,
        body: {
          ok: true,
          verdict: { outcome: 'passed' },
          parts: [{ name: 'boot' }, { name: 'smoke' }, { name: 'bundle' }],
          bundle: join(stranger.root, 'other'),
        },
      });
      const wrongKey = await home.muster('verify', 'proof', '--key', join(stranger.root, '.muster', 'runner.pub'), '--json');
      expect(wrongKey.code).toBe(3);
      expect(JSON.parse(wrongKey.stdout)).toMatchObject({ ok: false, accepted: false, findings: [{ code: 'wrong-key' }] });
    } finally {
      await stranger[Symbol.asyncDispose]();
    }
    await appendFile(join(bundle(), 'data', 'world.json'), '\n');
    const changed = await home.muster('verify', 'proof');
    expect(changed.code).toBe(3);
    expect(changed.stdout).toMatch(/^REFUSED proof\n  changed-file data\/world\.json: /);
    expect(changed.stdout).toMatch(/\n\nit claims: passed: .*\n$/);
    expect(changed.stdout).not.toMatch(/^passed/mu);
    const report = await home.muster('report', 'proof', '--out', 'late.html');
    expect(report).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('proof is refused') });
  });
});

it('proves a release suite by suite, and hands over one roll-up', async () => {
  const { suites } = await loadSuites({});
  const others = suites.map(({ name }) => name).filter((name) => name !== 'mesh');
  const run = await home.muster('prove', '--release', '--skip', ...others, '--out', 'release', '--no-history');
  expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/\n── mesh: .*\n(?:.*\n)*── all together\npassed: /) });
  expect(await home.muster('verify', 'release')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^accepted release\n/) });
  expect(await home.muster('prove', '--release', '--suite', 'mesh', '--out', 'x')).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('--skip'),
  });
  expect((await home.muster('prove', '--release', '--skip', 'nope', '--out', 'x')).code).toBe(4);
}, 120_000);

it('proves a release on virtual time in one process; broken off, it hands over what there is, which is no pass', async () => {
  const { suites } = await loadSuites({});
  const skip = ['--skip', ...suites.map(({ name }) => name).filter((name) => name !== 'mesh' && name !== 'stress')];
  const simulated = ['prove', '--release', '--world', 'sim', '--seed', '7', '--no-history', ...skip];
  const whole = await home.muster(...simulated, '--out', 'simulated');
  expect(whole.stdout.match(/^── .*/gmu)).toEqual([expect.stringContaining('mesh'), expect.stringContaining('stress'), '── all together']);
  expect(whole.code).toBe(0);

  const long = home.spawn('muster', [...simulated, '--messages', '100000', '--out', 'broken']);
  const { lines } = listen(long);
  await until(() => lines.some((line) => line.startsWith('── stress')) && lines.at(-1)!.includes('up in'), 'the second suite is under way', 60_000);
  long.kill('SIGINT');
  await until(() => long.exitCode !== null, 'it ends', 60_000);
  expect(long.exitCode).toBe(130);
  expect(lines).toContain('── interrupted in suite 2 of 2');
  const broken = await home.muster('verify', 'broken');
  expect([broken.code, broken.stdout]).toEqual([3, expect.stringMatching(/^accepted broken\n(?:.*\n)*.* 1 inconclusive/u)]);
  expect((await readdir(home.root)).filter((name) => name.startsWith('.broken'))).toEqual([]);
}, 180_000);

it('lists and plans without starting anything', async () => {
  const list = JSON.parse((await home.muster('prove', '--list', '--json')).stdout) as { name: string; scenarios: { id: string }[] }[];
  expect(list.find(({ name }) => name === 'smoke')?.scenarios.map(({ id }) => id)).toContain('smoke/direct');
  const plan = await home.muster('prove', '--plan', '--suite', 'smoke', '--grep', 'smoke/direct');
  expect(plan.code).toBe(0);
  expect(plan.stdout).toMatch(/^world shared: 2 nodes, host-directory \(.*\)\n {2}smoke\/direct: /);
});

it.each([
  [['--nodes', '1'], /at least 2/],
  [['--duration', '3'], /--duration needs a --rate/],
  [['--duration', '3', '--rate', '5', '--messages', '9'], /--messages and --duration exclude each other/],
  [['--grep', '('], /Invalid regular expression/],
  [['--suite', 'nope'], /there is no suite nope/],
  [['--grep', 'nope', '--suite', 'smoke'], /no scenario matches --suite smoke --grep nope/],
  [['--target', 'http://127.0.0.1:1'], /one --token-file for each --target/],
  [['--target', 'ftp://x', '--token-file', 'out/../token'], /no such file/],
  [['--messages', '0'], /at least 1/],
  [['--target-cmd', 'x', '--seed', '-1'], /Expected a whole number/],
  [['--seeds', '3'], /--seeds .* needs --world sim/],
  [['--seeds', '3', '--world', 'sim', '--plan'], /excludes --list, --plan and --requirements/],
  [['--suite', 'chaos', '--schedule', 'nowhere.json'], /--schedule nowhere\.json: there is no such file/],
])('refuses %j as wrong use', async (args, message) => {
  const { code, stderr } = await home.muster('prove', ...args);
  expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringMatching(message) });
});

it.each(['verify', 'report', 'shrink'])('%s wants a folder', async (command) => {
  expect(await home.muster(command, 'nowhere')).toEqual({ code: 4, stdout: '', stderr: 'muster: no such folder: nowhere\n' });
  await writeFile(join(home.root, 'a-file'), '');
  expect(await home.muster(command, 'a-file')).toEqual({ code: 4, stdout: '', stderr: 'muster: not a folder: a-file\n' });
});

it('fails for a daemon that cannot be started, says what it said, and keeps the evidence', async () => {
  const { code, stdout } = await home.muster('prove', '--suite', 'smoke', '--out', 'down', '--target-cmd', "sh -c 'echo no such thing >&2; exit 9'");
  expect(code).toBe(1);
  expect(stdout).toMatch(/\nfailed: .*\nblame: target 2\n(?:.*\n)*crash +target\/boot\/shared +target .*no such thing/);
  expect((await home.muster('verify', 'down')).code).toBe(1);
  expect((await home.muster('prove', '--suite', 'smoke', '--out', 'nothing', '--target-cmd', '/no/such/daemon')).code).toBe(3);
});

it('names a target that cannot be reached, and leaves no bundle', async () => {
  await writeFile(join(home.root, 'token'), 'x'.repeat(64));
  const refused = await home.muster('prove', '--target', 'http://127.0.0.1:1', '--token-file', 'token', '--suite', 'smoke', '--out', 'unreached');
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('http://127.0.0.1:1: no node can be reached there') });
  await expect(stat(join(home.root, 'unreached'))).rejects.toThrow(/ENOENT/);
});
