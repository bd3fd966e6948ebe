/** `muster` as its user runs it, against real daemons. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, listen, OwnHome, until } from './testing/own-home.ts';

const SOMEONE = 'ab'.repeat(32);

describe('without a daemon', () => {
  let home: OwnHome;
  beforeAll(async () => {
    home = await OwnHome.create();
  });
  afterAll(() => home[Symbol.asyncDispose]());

  it('says in one line how to start it, and ends with 2', async () => {
    const { code, stdout, stderr } = await home.muster('health', '--name', 'alice');
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: 'muster: the daemon "alice" is not running; start it with: muster start --name alice\n',
    });
    const json = await home.muster('--json', 'stop');
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toEqual({ ok: false, error: 'the daemon is not running; start it with: muster start' });
  });

  it('refuses bad input before it looks for one', async () => {
    const { code, stderr } = await home.muster('contacts', 'add', 'xyz');
    expect({ code, stderr }).toEqual({ code: 1, stderr: "muster: invalid hex: agent_id has 'x' at index 0\n" });
    const json = await home.muster('contacts', 'add', 'xyz', '--json');
    expect({ code: json.code, body: JSON.parse(json.stdout) }).toEqual({
      code: 1,
      body: { ok: false, error: "invalid hex: agent_id has 'x' at index 0" },
    });
  });

  it('says why a daemon did not start', async () => {
    const config = await home.configure('broken', { log_level: 'loud' });
    const bad = await home.muster('start', '--name', 'broken');
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain(`${config}: log_level: `);
    await home.configure('taken', { charter_path: '/nowhere/charter.md' });
    const refused = await home.muster('start', '--name', 'taken');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^muster: the daemon did not start: \/nowhere\/charter\.md: cannot read the charter .*\n$/);
  });

  it('leaves no daemon behind when its start is interrupted', async () => {
    await home.configure('cut');
    const child = home.spawn('muster', ['start', '--name', 'cut']);
    const ended = Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
    await until(() => existsSync(join(home.dataDir('cut'), 'musterd.log')), 'it is being started');
    child.kill('SIGINT');
    const [stdout, stderr] = await ended;
    expect({ code: child.exitCode, stdout, stderr }).toEqual({ code: 130, stdout: '', stderr: 'muster: interrupted\n' });
    expect(await home.muster('health', '--name', 'cut')).toMatchObject({ code: 2 });
    expect(existsSync(join(home.dataDir('cut'), 'instance.pid'))).toBe(false);
  });

  it('ends wrong use of the proving commands with 4', async () => {
    const uses = [['prove', '--bogus'], ['verify'], ['verify', home.root], ['report', '--nope']];
    const ended = await Promise.all(uses.map((use) => home.muster(...use)));
    expect(ended.map(({ code }) => code)).toEqual(uses.map(() => 4));
    for (const { stdout, stderr } of ended) expect(stdout + stderr).not.toBe('');
  });
});

describe('with a daemon', () => {
  let home: OwnHome;
  let started: Ended;
  const alice = (...args: string[]): Promise<Ended> => home.muster('--name', 'alice', ...args);

  async function json(...args: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await alice(...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async function rest(path: string, body?: unknown): Promise<unknown> {
    const [address, token] = await Promise.all(['api.port', 'api-token'].map((file) => readFile(join(home.dataDir('alice'), file), 'utf8')));
    const answer = await fetch(`http://${address!.trim()}${path}`, {
      headers: { authorization: `Bearer ${token!.trim()}`, 'content-type': 'application/json' },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    return answer.json();
  }

  beforeAll(async () => {
    home = await OwnHome.create();
    await home.configure('alice');
    started = await alice('start', '--json');
  });
  afterAll(() => home[Symbol.asyncDispose]());

  it('starts it in the background, and tells who and where it is', async () => {
    expect(started).toMatchObject({ code: 0, stderr: '' });
    const facts = JSON.parse(started.stdout) as Record<string, unknown>;
    const { agent_id } = (await rest('/agent')) as { agent_id: string };
    const log = join(home.dataDir('alice'), 'musterd.log');
    expect(facts).toMatchObject({ ok: true, already_running: false, name: 'alice', agent_id, log });
    expect(facts['api_address']).toMatch(/^127\.0\.0\.1:\d+$/);
    expect((await stat(log)).mode & 0o777).toBe(0o600);
  });

  it('does not start it twice, whatever token the environment holds', async () => {
    const child = home.spawn('muster', ['start', '--name', 'alice', '--json'], { X0X_API_TOKEN: 'f'.repeat(64) });
    const [answer] = await Promise.all([text(child.stdout!), once(child, 'close')]);
    const again = JSON.parse(answer) as unknown;
    expect(again).toMatchObject({ ok: true, already_running: true, agent_id: JSON.parse(started.stdout).agent_id });
  });

  it('prints where its page is, and has no token in the address', async () => {
    const { api_address } = JSON.parse(started.stdout) as { api_address: string };
    expect(await json('gui')).toEqual({ ok: true, url: `http://${api_address}/gui` });
    expect(await alice('gui', '--no-open')).toEqual({ code: 0, stdout: `http://${api_address}/gui\n`, stderr: '' });
  });

  it('leaves a line in its log', async () => {
    const { agent_id, api_address, log } = JSON.parse(started.stdout) as { agent_id: string; api_address: string; log: string };
    // It may answer a moment before it says so.
    await until(async () => (await readFile(log)).length > 0, 'a line in the log');
    expect(await readFile(log, 'utf8')).toMatch(
      new RegExp(`^\\S+ INFO  musterd v[\\d.]+ is up agent=${agent_id} api=${api_address} peers=127\\.0\\.0\\.1:\\d+\n$`),
    );
  });

  it('cuts tables to the terminal, and cards to what can be read', async () => {
    await json('contacts', 'add', SOMEONE, '--label', 'x'.repeat(100));
    const words = [process.execPath, '--conditions=muster-source', join(import.meta.dirname, 'muster.ts'), '--name', 'alice', 'contacts', 'list'];
    const child = home.run('script', ['-qec', `stty cols 90; '${words.join("' '")}'`, '/dev/null']);
    const [screen] = await Promise.all([text(child.stdout!), once(child, 'close')]);
    const [header, row] = screen.split('\r\n');
    expect(header).toMatch(/^AGENT_ID +TRUST_LEVEL +LABEL +ADDED_AT/);
    expect(row).toMatch(/^abab\w+…  .* x+… /);
    expect(row!.length).toBeLessThanOrEqual(90);
    await json('contacts', 'remove', SOMEONE);
    expect((await alice('agent', 'card')).stdout).toMatch(/^link +\S+\n(?:.*\n){1,30}$/);
  });

  it.each([
    [['agent'], '/agent'],
    [['contacts', 'list'], '/contacts'],
    [['peers'], '/peers'],
    [['charter'], '/constitution/json'],
    [['constitution', 'json'], '/constitution/json'],
  ])('prints the same as the API: %j', async (args, path) => expect(await json(...args)).toEqual(await rest(path)));

  it('prints for people', async () => {
    expect((await alice('health')).stdout).toMatch(/^status +healthy\nversion +\d+\.\d+\.\d+\npeers +0\nuptime_secs +\d+\nreason +alone: .+\n$/);
    expect((await alice('charter')).stdout).toMatch(/^# /);
    expect((await alice('metrics')).stdout).toMatch(/# EOF\n$/);
    expect((await alice('peers')).stdout).toBe('no peers\n');
  });

  it('finds the API by its address alone', async () => {
    const { api_address } = JSON.parse(started.stdout) as { api_address: string };
    const wrongToken = home.spawn('muster', ['--api', api_address, 'agent', '--json'], { X0X_API_TOKEN: 'f'.repeat(64) });
    const [body] = await Promise.all([text(wrongToken.stdout!), once(wrongToken, 'close')]);
    expect(wrongToken.exitCode).toBe(1);
    expect(JSON.parse(body)).toHaveProperty('error');
    const token = (await readFile(join(home.dataDir('alice'), 'api-token'), 'utf8')).trim();
    const rightToken = home.spawn('muster', ['agent', '--json', '--api-url', `http://${api_address}`], { MUSTER_API_TOKEN: token });
    const [answer] = await Promise.all([text(rightToken.stdout!), once(rightToken, 'close')]);
    expect(JSON.parse(answer)).toMatchObject({ ok: true, agent_id: JSON.parse(started.stdout).agent_id });
  });

  it('leads a contact from its first day to its last', async () => {
    expect(await json('contacts', 'add', SOMEONE, '--trust', 'trusted', '--label', 'Bob')).toEqual({ ok: true, agent_id: SOMEONE });
    expect(await json('contacts', 'list')).toMatchObject({ contacts: [{ agent_id: SOMEONE, trust_level: 'trusted', label: 'Bob' }] });
    expect((await alice('contacts', 'list')).stdout).toMatch(/^AGENT_ID +TRUST_LEVEL +LABEL .*\nabab\w+ +trusted +Bob /);
    expect(await json('trust', 'set', SOMEONE, 'KNOWN')).toEqual({ ok: true });
    const machine = 'cd'.repeat(32);
    expect(await json('machines', 'add', SOMEONE, machine, '--pin')).toMatchObject({ machine: { machine_id: machine, pinned: true } });
    expect(await json('trust', 'evaluate', SOMEONE, 'ef'.repeat(32))).toMatchObject({ decision: 'RejectMachineMismatch' });
    // 204 has no body
    expect(await json('machines', 'remove', SOMEONE, machine)).toEqual({ ok: true });
    expect(await alice('contacts', 'remove', SOMEONE)).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
    expect(await alice('contacts', 'remove', SOMEONE)).toEqual({ code: 1, stdout: '', stderr: 'muster: contact not found\n' });
    const refused = await alice('contacts', 'remove', SOMEONE, '--json');
    expect({ code: refused.code, body: JSON.parse(refused.stdout) }).toEqual({ code: 1, body: { ok: false, error: 'contact not found' } });
  });

  it('follows a topic it subscribes, and nothing else', async () => {
    const follower = home.spawn('muster', ['--name', 'alice', 'subscribe', 'news', '--json']);
    const heard = listen(follower);
    await until(() => heard.lines.length === 1, 'the subscription');
    const { subscription_id } = JSON.parse(heard.lines[0]!) as { subscription_id: string };
    // Its messages are on the same stream, and came earlier.
    const { subscription_id: other } = (await rest('/subscribe', { topic: 'other' })) as { subscription_id: string };
    await json('publish', 'other', 'not for us');
    await json('publish', 'news', 'hello');
    await until(() => heard.lines.length === 2, 'the message');
    expect(JSON.parse(heard.lines[1]!)).toMatchObject({ type: 'message', data: { subscription_id, topic: 'news', payload: 'aGVsbG8=' } });
    follower.kill('SIGINT');
    await once(follower, 'exit');
    expect(follower.exitCode).toBe(130);
    // It has taken its subscription back, and nobody else's.
    expect((await alice('unsubscribe', subscription_id)).stderr).toBe('muster: subscription not found\n');
    expect(await json('unsubscribe', other)).toEqual({ ok: true });
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('takes its subscription back on %s', async (signal) => {
    const follower = home.spawn('muster', ['--name', 'alice', 'subscribe', 'news', '--json']);
    const heard = listen(follower);
    await until(() => heard.lines.length === 1, 'the subscription');
    follower.kill(signal);
    await once(follower, 'exit');
    expect(follower.exitCode).toBe(128 + constants.signals[signal]);
    const { subscription_id } = JSON.parse(heard.lines[0]!) as { subscription_id: string };
    expect((await alice('unsubscribe', subscription_id)).code).toBe(1);
  });

  it('takes its subscription back when its reader leaves', async () => {
    const child = home.run('bash', [
      '--norc',
      '-c',
      'set -o pipefail; "$0" --conditions=muster-source "$1" --name alice subscribe news --json | head -n 1',
      process.execPath,
      join(import.meta.dirname, 'muster.ts'),
    ]);
    const heard = listen(child);
    await until(() => heard.lines.length === 1, 'the subscription');
    const { subscription_id } = JSON.parse(heard.lines[0]!) as { subscription_id: string };
    // Only what is written tells that nobody reads.
    await until(async () => (await json('publish', 'news', 'anybody?')) && child.exitCode !== null, 'the end');
    expect(child.exitCode).toBe(0);
    expect((await alice('unsubscribe', subscription_id)).code).toBe(1);
  });

  it('sends itself a direct message, and streams it', async () => {
    const { agent_id } = JSON.parse(started.stdout) as { agent_id: string };
    const stream = home.spawn('muster', ['--name', 'alice', 'direct', 'events']);
    const heard = listen(stream);
    // A stream says nothing before its first event: what was sent too early is sent again.
    await until(async () => (await json('direct', 'send', agent_id, 'to myself')) && heard.lines.length > 0, 'the message', 20_000);
    expect(heard.lines[0]).toContain('payload="to myself"');
    stream.kill('SIGINT');
    await once(stream, 'exit');
    expect(stream.exitCode).toBe(130);
    const { messages } = (await json('direct', 'inbox', '--limit', '1')) as { messages: unknown };
    expect(messages).toMatchObject([{ sender: agent_id, payload: 'dG8gbXlzZWxm' }]);
  });

  it('ends quietly when its reader leaves', async () => {
    const child = home.run('bash', [
      '--norc',
      '-c',
      'set -o pipefail; "$0" --conditions=muster-source "$1" --name alice openapi | head -c 1',
      process.execPath,
      join(import.meta.dirname, 'muster.ts'),
    ]);
    const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
    expect({ code: child.exitCode, stdout, stderr }).toEqual({ code: 0, stdout: '{', stderr: '' });
  });

  it('runs it in the foreground until interrupted', async () => {
    await home.configure('bob');
    const daemon = home.spawn('muster', ['start', '--name', 'bob', '--foreground']);
    await until(() => existsSync(join(home.dataDir('bob'), 'api.port')), 'the API');
    await until(async () => (await home.muster('health', '--name', 'bob')).code === 0, 'health');
    daemon.kill('SIGINT');
    await once(daemon, 'exit');
    expect(daemon.exitCode).toBe(0);
  });

  it('stops it, and returns when it has ended', async () => {
    const pid = Number(await readFile(join(home.dataDir('alice'), 'instance.pid'), 'utf8'));
    expect(await alice('stop')).toEqual({ code: 0, stdout: 'stopped\n', stderr: '' });
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone');
    expect(state).toMatch(/^gone$|\) Z /);
    expect((await alice('stop')).code).toBe(2);
    // The address that a killed daemon would have left behind.
    await writeFile(join(home.dataDir('alice'), 'api.port'), JSON.parse(started.stdout).api_address as string);
    expect((await alice('health')).code).toBe(2);
  });
});
