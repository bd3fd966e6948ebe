'use strict';
// usage: launchers.cjs DIR   A clone installs and starts with npm 10 under the PATH's old Node, and with npm 11 under the newest one.
const { execFile, execFileSync } = require('node:child_process');
const { rmSync } = require('node:fs');
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

/** Resolves with how the command ended and what it said. */
function run(command, args, options) {
  return new Promise((resolve, reject) => {
    execFile(command, args, { encoding: 'utf8', ...options }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ status: error ? error.code : 0, stdout, stderr });
    });
  });
}

async function launches(title, node, cli) {
  const clone = path.join(work, `clone-${title.replaceAll(/[ ,]+/g, '-')}`);
  execFileSync('git', ['clone', '--quiet', root, clone]);
  const options = { cwd: clone, env: { ...process.env, PATH: `${path.dirname(node)}:${process.env.PATH}` } };
  const install = await run(node, [cli, 'ci', '--no-audit', '--no-fund'], options);
  const start = await run(node, [cli, 'exec', '--no', '--', 'muster', 'version'], options);
  const good = install.status === 0 && start.status === 0 && /\d+\.\d+\.\d+/.test(start.stdout);
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`${good ? 'ok' : 'FAILED'}  ${title} (Node ${version}): ${start.stdout.trim().split('\n').at(-1)}`);
  if (!good) console.error(`${install.stdout}${install.stderr}${start.stdout}${start.stderr}`);
  rmSync(clone, { recursive: true });
  return good;
}

const both = [launches('npm 10', process.execPath, npm(10)), launches('npm 11 under the newest Node', newest, npm(11))];
void Promise.all(both).then((good) => process.exit(good.every(Boolean) ? 0 : 1));
