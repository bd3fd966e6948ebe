'use strict';
// usage: readme.cjs DIR   Runs the commands of README.md's ```sh blocks as written, in a home of their own under DIR.
// Lines beginning with "$ " are commands; a block that says <!-- not run --> before it is skipped, and says why beside it.
const { mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const root = path.join(__dirname, '..');
const home = path.join(path.resolve(process.argv[2]), 'readme-home');
const text = readFileSync(path.join(root, 'README.md'), 'utf8');
const blocks = [...text.matchAll(/(<!-- not run[^>]*-->\s*)?```sh\n([\s\S]*?)```/g)].filter((match) => !match[1]).map((match) => match[2]);
if (blocks.length === 0) fail('README.md has no ```sh block to run');
const unwritten = /^[A-Z]+$/m.exec(text);
if (unwritten) fail(`README.md still has a place to fill: ${unwritten[0]}`);

// Whatever the README starts stays on this host: the default configuration would also look around on the LAN.
for (const name of ['muster', 'muster-alice', 'muster-bob']) {
  mkdirSync(path.join(home, '.config', name), { recursive: true });
  writeFileSync(path.join(home, '.config', name, 'config.toml'), 'bind_address = "127.0.0.1:0"\nlan_discovery = false\nnetwork_id = "readme"\n');
}
mkdirSync(path.join(home, 'run'), { mode: 0o700 });
const env = {
  HOME: home,
  XDG_RUNTIME_DIR: path.join(home, 'run'),
  PATH: process.env.PATH,
  LANG: 'C.UTF-8',
  CI: 'true',
  npm_config_userconfig: process.env.npm_config_userconfig || path.join(process.env.HOME || '', '.npmrc'),
};
const script = [
  'set -e',
  'npx() { command npx --no-install "$@"; }',
  'trap "(npx muster --name alice stop; npx muster --name bob stop) >/dev/null 2>&1 || true" EXIT',
];
for (const block of blocks) {
  for (const line of block.split('\n')) {
    const command = line.replace(/^\$ /, '');
    // Installing and testing again here would only repeat the steps before this one.
    if (/^(npm ci|npm test|npx muster prove|git clone|cd )/.test(command) || command.trim() === '') continue;
    script.push(`printf '\\n$ %s\\n' ${quote(command)}`, command);
  }
}
const result = spawnSync('bash', ['-c', script.join('\n')], { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'], timeout: 120_000 });
rmSync(home, { recursive: true, force: true });
if (result.status !== 0) fail(`a README command ended with ${result.signal || result.status}`);

function quote(word) {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
