/** `muster doctor` and `muster instances` as their user runs them. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { OwnHome } from '../testing/own-home.ts';
import { lines } from './doctor.ts';

interface Diagnosis {
  readonly ok: boolean;
  readonly problems: number;
  readonly checks: readonly { check: string; status: string; message: string; advice: string | null }[];
}

let home: OwnHome;
beforeEach(async () => {
  home = await OwnHome.create();
});
afterEach(() => home[Symbol.asyncDispose]());

async function diagnose(name: string, env: Readonly<Record<string, string>> = {}): Promise<Diagnosis & { code: number | null }> {
  const child = home.spawn('muster', ['doctor', '--name', name, '--json'], env);
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
  expect(stderr).toBe('');
  return { code: child.exitCode, ...(JSON.parse(stdout) as Diagnosis) };
}

test('a narrow terminal gets whole words below one another, and what can be copied in one piece', () => {
  const finding = {
    check: 'daemon',
    status: 'problem',
    message: 'it runs (pid 7), but does not answer',
    advice: 'see /a/rather/long/path.log; then kill 7',
  } as const;
  expect(lines(finding, 45)).toEqual([
    'problem  daemon          it runs (pid 7), but',
    '                         does not answer',
    '                         → see',
    '                           /a/rather/long/path.log;',
    '                           then kill 7',
  ]);
  expect(lines(finding, Infinity)).toHaveLength(2);
});

const found = ({ checks }: Diagnosis, check: string) => checks.find((each) => each.check === check);

/** Everything below the home: names, modes, sizes, times. */
async function everything(): Promise<unknown> {
  const names = (await readdir(home.root, { recursive: true })).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const { mode, size, mtimeMs } = await stat(join(home.root, name));
      return { name, mode, size, mtimeMs };
    }),
  );
}

describe('where nothing was ever started', () => {
  it('finds only that the daemon does not run, changes nothing, and ends with 2', async () => {
    await home.configure('alice');
    const before = await everything();
    const diagnosis = await diagnose('alice');
    expect(diagnosis.checks.map(({ check, status }) => [check, status])).toEqual([
      ['node', 'ok'],
      ['configuration', 'ok'],
      ['data', 'ok'],
      ['identity', 'ok'],
      ['token', 'ok'],
      ['daemon', 'problem'],
      ['ports', 'ok'],
      ['host directory', 'ok'],
      ['peers', 'warning'],
      ['clock', 'ok'],
    ]);
    expect(found(diagnosis, 'daemon')).toMatchObject({ message: 'it is not running', advice: 'start it with: muster start --name alice' });
    expect(diagnosis).toMatchObject({ code: 2, ok: false, problems: 1 });
    expect(await everything()).toEqual(before);
  });

  it('tells people in a line each, with what to do', async () => {
    await home.configure();
    const [{ code, stdout }, ofDaemon] = await Promise.all([home.muster('doctor'), home.musterd('doctor')]);
    expect(code).toBe(2);
    expect(stdout).toMatch(/^problem {2}daemon {10}it is not running\n {25}→ start it with: muster start$/m);
    expect(stdout).toMatch(/\n\n1 problem, 1 warning\n$/);
    const timeless = (report: string): string => report.replace(/^ok +clock .*$/mu, '');
    expect(timeless(ofDaemon.stdout)).toBe(timeless(stdout));
  });

  it('names the key of a bad configuration, and a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      await home.configure('bad', { log_level: 'loud' });
      await home.configure('odd', { lan_discovry: true });
      await home.configure('taken', { bind_address: `127.0.0.1:${port}` });
      const [bad, odd, taken] = await Promise.all([diagnose('bad'), diagnose('odd'), diagnose('taken')]);
      expect(found(bad, 'configuration')).toMatchObject({
        status: 'problem',
        message: expect.stringContaining('config.toml: log_level: ') as string,
      });
      expect(found(odd, 'configuration')).toMatchObject({
        status: 'warning',
        message: expect.stringContaining('lan_discovry') as string,
      });
      expect(found(taken, 'ports')).toEqual({
        check: 'ports',
        status: 'problem',
        message: `127.0.0.1:${port} is taken by another program`,
        advice: 'free it, or change bind_address',
      });
      expect([bad.code, taken.code]).toEqual([1, 1]);
    } finally {
      server.close();
    }
  });

  it('names places that others could change', async () => {
    await home.configure('open', { host_directory: join(home.root, 'meeting') });
    await mkdir(home.dataDir('open'), { recursive: true });
    await chmod(home.dataDir('open'), 0o755);
    await mkdir(join(home.root, 'meeting'));
    await chmod(join(home.root, 'meeting'), 0o777);
    const diagnosis = await diagnose('open');
    expect(found(diagnosis, 'data')).toMatchObject({ status: 'warning', advice: `run: chmod 700 ${home.dataDir('open')}` });
    expect(found(diagnosis, 'host directory')).toMatchObject({
      status: 'problem',
      message: `${join(home.root, 'meeting')} can be changed by others`,
    });
    expect(diagnosis.code).toBe(1);
  });
});

// Each command is a process of its own: on a busy machine that takes long.
describe('with a daemon that was started', { timeout: 180_000 }, () => {
  const start = async (more: Readonly<Record<string, unknown>> = {}): Promise<Record<string, unknown>> => {
    await home.configure('alice', more);
    const { code, stdout, stderr } = await home.muster('start', '--name', 'alice', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it('finds it well but alone; then its damages, one by one', async () => {
    const { api_address, agent_id, pid } = await start();
    await home.configure('bob');
    const [well, known] = await Promise.all([diagnose('alice'), home.muster('instances', '--json')]);
    expect(well).toMatchObject({ code: 0, ok: true, problems: 0 });
    expect(found(well, 'daemon')?.message).toBe(`it runs (pid ${String(pid)}), healthy, at ${String(api_address)}`);
    expect(found(well, 'ports')?.message).toMatch(/^in use by the daemon: API 127\.0\.0\.1:[1-9]\d*, peers 127\.0\.0\.1:[1-9]\d*$/u);
    expect(found(well, 'peers')).toMatchObject({ status: 'warning', message: expect.stringContaining('on this host') as string });
    expect(found(well, 'identity')?.message).toContain(agent_id);

    expect(JSON.parse(known.stdout)).toEqual({
      ok: true,
      instances: [
        { name: 'alice', running: true, pid, api_address, agent_id, data_dir: home.dataDir('alice') },
        { name: 'bob', running: false, pid: null, api_address: null, agent_id: null, data_dir: home.dataDir('bob') },
      ],
    });

    const [token, key] = [join(home.dataDir('alice'), 'api-token'), join(home.root, '.muster-alice', 'machine.key')];
    await writeFile(key, 'not a key\n');
    const overruled = await diagnose('alice', { MUSTER_API_TOKEN: 'f'.repeat(64) });
    expect(found(overruled, 'token')).toMatchObject({ status: 'problem', advice: 'run: unset MUSTER_API_TOKEN' });
    expect(found(overruled, 'identity')).toMatchObject({ status: 'problem', advice: 'restore your copy, or move it away' });

    await writeFile(token, 'e'.repeat(64));
    await rm(key);
    const lost = await diagnose('alice');
    expect(found(lost, 'token')?.message).toContain('refuses the token');
    expect(found(lost, 'identity')).toMatchObject({ status: 'problem', message: `${key} is missing` });
    expect(lost.code).toBe(1);

    await chmod(token, 0o644);
    expect(found(await diagnose('alice'), 'token')?.advice).toMatch(/^run: chmod 600 /u);
  });

  it('dials the bootstrap peers of a daemon that has no peer', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => sockets.add(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      await start({ bootstrap_peers: [`127.0.0.1:${port}`] });
      expect(found(await diagnose('alice'), 'peers')).toMatchObject({
        status: 'warning',
        message: expect.stringContaining('can be reached') as string,
      });
    } finally {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
    const unreachable = await diagnose('alice');
    expect(found(unreachable, 'peers')).toMatchObject({ status: 'problem', message: expect.stringContaining(`127.0.0.1:${port}`) as string });
    expect(unreachable.code).toBe(1);
  });

  it('says of a daemon that stands still that it does not answer, as do those who would end it', async () => {
    const { pid } = await start();
    process.kill(Number(pid), 'SIGSTOP');
    const [diagnosis, stopped, uninstalled] = await Promise.all([
      diagnose('alice'),
      home.muster('stop', '--name', 'alice'),
      home.muster('uninstall', '--json'),
    ]);
    expect(found(diagnosis, 'daemon')).toMatchObject({ status: 'problem', message: expect.stringContaining('does not answer') as string });
    expect(found(diagnosis, 'token')?.message).toBe(join(home.dataDir('alice'), 'api-token'));
    const advice = `the daemon (pid ${String(pid)}) does not answer; to end it all the same: kill -9 ${String(pid)}`;
    expect(stopped).toEqual({ code: 1, stdout: '', stderr: `muster: ${advice}\n` });
    expect([uninstalled.code, JSON.parse(uninstalled.stdout)]).toMatchObject([1, { ok: false, failed: [expect.stringContaining(advice)] }]);
  });

  it('is not fooled by what a killed daemon left behind', async () => {
    const { pid } = await start();
    process.kill(Number(pid), 'SIGKILL');
    const state = async () => readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => 'gone');
    while (!/^gone$|\) [ZX] /u.test(await state())) await new Promise(setImmediate);
    // Another process has its id now: this one.
    await writeFile(join(home.dataDir('alice'), 'instance.pid'), `${process.pid}\n`);
    expect(existsSync(join(home.dataDir('alice'), 'api.port'))).toBe(true);
    const diagnosis = await diagnose('alice');
    expect(found(diagnosis, 'daemon')?.message).toContain(`(pid ${process.pid}) was killed, which does no harm`);
    expect(diagnosis.code).toBe(2);
    expect((await home.muster('instances')).stdout).toMatch(/^NAME .*\nalice +no +- +- +[0-9a-f]{64} /u);
    // So that nothing ends this process for it.
    await rm(join(home.dataDir('alice'), 'instance.pid'));
  });
});
