import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { fakeDaemon } from '../testing/fake-daemon.ts';
import { isAlive } from '../testing/processes.ts';
import { shellCommand } from './daemon-command.ts';
import { DaemonNotReady } from './local-node.ts';
import { startLocalWorld } from './local-process.ts';

test('daemons boot with homes, tokens and addresses of their own', async () => {
  await using world = await startLocalWorld({ command: fakeDaemon(), nodes: ['alice', 'bob', 'carol'] });
  expect(new Set(world.nodes.map((node) => node.address)).size).toBe(3);
  expect(new Set(world.nodes.map((node) => node.token)).size).toBe(3);
  for (const node of world.nodes) {
    expect(node.home.root.startsWith(world.directory)).toBe(true);
    expect(await node.health()).toMatchObject({ state: 'healthy', version: 'fake' });
    const config = readFileSync(node.home.config, 'utf8');
    expect(config).toContain(`network_id = "${world.networkId}"`);
    expect(node.process.log.tail()).toContain(`--name ${node.name} --api-port 0 --no-hard-coded-bootstrap --skip-update-check`);
  }
});

test('nothing is left after disposal: no process, no grandchild, no file', async () => {
  const world = await startLocalWorld({ command: fakeDaemon('children'), nodes: ['alice'] });
  const alice = world.node('alice');
  const pids = [alice.process.pid, ...readFileSync(join(alice.home.dataDir, 'children'), 'utf8').split(' ').map(Number)];
  expect(pids.every(isAlive)).toBe(true);
  await world[Symbol.asyncDispose]();
  expect(pids.filter(isAlive)).toEqual([]);
  expect(existsSync(world.directory)).toBe(false);
});

test('a daemon that refuses to start takes the world down and says why', async () => {
  const failure = startLocalWorld({ command: fakeDaemon('refuse'), nodes: ['alice', 'bob'] });
  await expect(failure).rejects.toThrow(DaemonNotReady);
  await expect(failure).rejects.toThrow(/ended with status 3 .*cannot start today/s);
});

test('a command that cannot be executed is named', async () => {
  const command = { command: '/nonexistent/daemon', args: [], implementation: 'none' };
  await expect(startLocalWorld({ command, nodes: ['alice'] })).rejects.toThrow(/cannot run \/nonexistent\/daemon/);
});

test('a command line is split as a shell would, and flags follow it', async () => {
  const { args } = fakeDaemon();
  await using world = await startLocalWorld({ command: shellCommand(`'${process.execPath}' "${args.join('')}"`), nodes: ['alice'] });
  expect(await world.node('alice').health()).toMatchObject({ state: 'healthy' });
});

test('a killed node restarts in the same home with the same identity, at a new address', async () => {
  await using world = await startLocalWorld({ command: fakeDaemon(), nodes: ['alice'] });
  const alice = world.node('alice');
  const before = { token: alice.token, pid: alice.process.pid };
  await alice.kill();
  expect(alice.alive).toBe(false);
  expect(alice.died).toBeUndefined();
  expect(await alice.health()).toEqual({ state: 'refused' });
  await alice.start();
  expect(alice.process.pid).not.toBe(before.pid);
  expect(alice.token).toBe(before.token);
  expect(await alice.health()).toMatchObject({ state: 'healthy' });
});

test('an end that the lab did not cause is remembered as a death', async () => {
  await using world = await startLocalWorld({ command: fakeDaemon(), nodes: ['alice'] });
  const alice = world.node('alice');
  process.kill(alice.process.pid, 'SIGKILL');
  await eventually(systemClock, () => !alice.alive, { within: 5000, what: 'death' });
  expect(alice.died).toEqual({ code: null, signal: 'SIGKILL' });
});

test('a daemon that ignores SIGTERM is killed after its grace', async () => {
  await using world = await startLocalWorld({ command: fakeDaemon('stubborn'), nodes: ['alice'] });
  expect(await world.node('alice').stop(100)).toMatchObject({ signal: 'SIGKILL' });
});

test('an aborted boot leaves nothing', async () => {
  const signal = AbortSignal.abort(new Error('never mind'));
  await expect(startLocalWorld({ command: fakeDaemon(), nodes: ['alice'], signal })).rejects.toThrow('never mind');
});

test('nodes in a line bootstrap from the one before them only, and belong to one human when they should', async () => {
  const config = { identity_ttl_secs: 3 };
  const options = { command: fakeDaemon(), nodes: ['alice', 'bob', 'carol'], wiring: 'line', human: true, config } as const;
  await using world = await startLocalWorld({ ...options, bootstrapPeers: ['127.0.0.1:9'] });
  const peers = world.nodes.map((node) => node.config.bootstrapPeers);
  const addresses = world.nodes.map((node) => node.config.bindAddress);
  expect(peers).toEqual([['127.0.0.1:9'], ['127.0.0.1:9', addresses[0]], ['127.0.0.1:9', addresses[1]]]);
  expect(new Set(world.nodes.map((node) => node.config.hostDirectory)).size).toBe(3);
  for (const node of world.nodes)
    expect(readFileSync(node.home.config, 'utf8')).toMatch(/auto_dial = false[^]*user_key_path = "[^]*identity_ttl_secs = 3/);
});
