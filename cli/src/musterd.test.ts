/** `musterd` as a script of the compatible daemon starts it. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { VERSION } from '@muster/node/host';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listen, OwnHome, until } from './testing/own-home.ts';

let home: OwnHome;
beforeAll(async () => {
  home = await OwnHome.create();
});
afterAll(() => home[Symbol.asyncDispose]());

it('prints its version, the same everywhere', async () => {
  expect(await home.musterd('--version')).toEqual({ code: 0, stdout: `musterd ${VERSION}\n`, stderr: '' });
  expect((await home.muster('--version')).stdout).toBe(`${VERSION}\n`);
});

it('prints its flags without loading anything', async () => {
  const { code, stdout } = await home.musterd('-h');
  expect(code).toBe(0);
  for (const flag of ['--config', '--name', '--api-port', '--no-hard-coded-bootstrap', '--exec-acl', '--skip-update-check', '--check'])
    expect(stdout).toContain(flag);
});

it('checks a configuration', async () => {
  const good = await home.configure('good');
  expect(await home.musterd('--config', good, '--check')).toEqual({ code: 0, stdout: 'Configuration is valid\n', stderr: '' });
  const bad = await home.configure('bad', { inbox_limit: 'many' });
  const refused = await home.musterd('--config', bad, '--check');
  expect(refused.code).toBe(78);
  expect(refused.stderr).toMatch(/^musterd: .*bad\/config\.toml: inbox_limit: .*\n$/);
});

it.each([
  ['is missing', async (file: string) => `${file}.not`, /config\.toml\.not: no such file; correct --config/],
  ['is no TOML', async (file: string) => (await writeFile(file, 'a = [\n'), file), /config\.toml:\d+:\d+: not valid TOML/],
  ['is huge', async (file: string) => (await truncate(file, 2 ** 31), file), /config\.toml: larger than 1048576 bytes/],
  ['is a directory', async (file: string) => join(file, '..'), /: not a regular file; correct --config/],
])('refuses a configuration that %s, in one line', async (what, prepare, message) => {
  const file = await prepare(await home.configure(what.replaceAll(' ', '-')));
  const { code, stdout, stderr } = await home.musterd('--config', file);
  expect({ code, stdout, lines: stderr.split('\n').length }).toEqual({ code: 78, stdout: '', lines: 2 });
  expect(stderr).toMatch(message);
});

it('ignores what it does not know, and says so', async () => {
  const config = await home.configure('compat');
  const { code, stderr } = await home.musterd('--config', config, '--frobnicate', '--no-bootstrap', '--check');
  expect(code).toBe(0);
  expect(stderr).toBe('musterd: unknown argument ignored: "--frobnicate"\nmusterd: --no-bootstrap is deprecated; use --no-hard-coded-bootstrap\n');
});

it('ends gracefully on SIGTERM, and is alone in its data directory until then', async () => {
  const config = await home.configure('term', { log_level: 'info' });
  const daemon = home.spawn('musterd', ['--config', config, '--name', 'term', '--skip-update-check']);
  const heard = listen(daemon);
  const portFile = join(home.dataDir('term'), 'api.port');
  await until(() => existsSync(portFile), 'the API');
  const health = await fetch(`http://${(await readFile(portFile, 'utf8')).trim()}/health`);
  expect(await health.json()).toMatchObject({ ok: true, status: 'healthy' });
  expect((await home.musterd('--list')).stdout).toBe(`term\t${(await readFile(portFile, 'utf8')).trim()}\n`);

  const second = await home.musterd('--config', config, '--name', 'term');
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`in use by a running daemon (pid ${daemon.pid})`);

  daemon.kill('SIGTERM');
  await once(daemon, 'close');
  expect(daemon.exitCode).toBe(0);
  expect(existsSync(portFile)).toBe(false);
  expect(heard.lines.join('\n')).toMatch(/Starting musterd v.*API server listening on 127\.0\.0\.1:\d+.*Received SIGTERM.*Shutdown complete/s);
});

it('cannot start on a port that is taken, and names it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const config = await home.configure('port');
    const { code, stderr } = await home.musterd('--config', config, '--name', 'port', '--api-port', String(port));
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^musterd: cannot listen on 127\\.0\\.0\\.1:${port} for the API: the port is taken; .*\n$`));
  } finally {
    server.close();
  }
});

it('cannot start where a file stands in place of its data directory, and names it', async () => {
  const config = await home.configure('blocked', { data_dir: join(home.root, 'blocked', 'data') });
  await writeFile(join(home.root, 'blocked'), '');
  const { code, stderr } = await home.musterd('--config', config);
  expect(code).toBe(1);
  expect(stderr).toContain(join(home.root, 'blocked', 'data'));
});
