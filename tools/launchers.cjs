'use strict';
// usage: launchers.cjs DIR   A clone installs and starts with npm 10 under the PATH's old Node, and with npm 11 under the newest one.
const { execFileSync, spawnSync } = require('node:child_process');
const path = require('node:path');
const { fallbackBinary } = require('../cli/bin/launch.cjs');

const root = path.join(__dirname, '..');
const work = path.resolve(process.argv[2]);
const tools = path.join(work, 'npms');
const newest = fallbackBinary() ?? process.execPath;
execFileSync('npm', ['install', '--prefix', tools, '--no-save', '--no-audit', '--no-fund', 'npm-10@npm:npm@10.9.4', 'npm-11@npm:npm@11.19.1'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
const npm = (version) => path.join(tools, 'node_modules', `npm-${version}`, 'bin', 'npm-cli.js');

if (Number(process.versions.node.split('.')[0]) >= 24) {
  console.error(`this is Node ${process.versions.node}: run it with an older one, or the bundled Node is not exercised`);
  process.exit(1);
}

let failed = false;
for (const [title, node, cli] of [
  ['npm 10', process.execPath, npm(10)],
  ['npm 11 under the newest Node', newest, npm(11)],
]) {
  const clone = path.join(work, `clone-${title.replaceAll(/[ ,]+/g, '-')}`);
  execFileSync('git', ['clone', '--quiet', root, clone]);
  const run = (...args) =>
    spawnSync(node, args, { cwd: clone, encoding: 'utf8', env: { ...process.env, PATH: `${path.dirname(node)}:${process.env.PATH}` } });
  const install = run(cli, 'ci', '--no-audit', '--no-fund');
  const start = run(cli, 'exec', '--no', '--', 'muster', 'version');
  const good = install.status === 0 && start.status === 0 && /\d+\.\d+\.\d+/.test(start.stdout);
  console.log(
    `${good ? 'ok' : 'FAILED'}  ${title} (Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}): ${start.stdout.trim().split('\n').at(-1)}`,
  );
  if (!good) console.error(`${install.stdout}${install.stderr}${start.stdout}${start.stderr}`);
  failed ||= !good;
  execFileSync('rm', ['-rf', clone]);
}
process.exit(failed ? 1 : 0);
