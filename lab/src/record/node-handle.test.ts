import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { fakeDaemon } from '../testing/fake-daemon.ts';
import { memoryRecorder } from '../testing/journals.ts';
import { startLocalWorld } from '../world/local-process.ts';
import { NodeHandle } from './node-handle.ts';

async function aliceAlone() {
  const world = await startLocalWorld({ command: fakeDaemon(), nodes: ['alice'] });
  const node = world.node('alice');
  const { recorder, lines } = memoryRecorder();
  const target = { name: 'alice', get address() { return node.address; }, get token() { return node.token; }, local: node }; // prettier-ignore
  const handle = new NodeHandle(target, { recorder, clock: systemClock, timeout: 400 });
  const close = async () => {
    await handle[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  };
  return { handle, node, lines, recorder, [Symbol.asyncDispose]: close };
}

test('an accepted, a refused, an impossible and an unanswered operation are told apart', async () => {
  await using it = await aliceAlone();
  const { handle, node, lines } = it;
  const accepted = await handle.rest('identity.get');
  expect(accepted).toMatchObject({ outcome: 'ok', status: 200 });
  expect(lines.slice(-2)).toMatchObject([
    { type: 'invoke', id: accepted.id, process: 'alice', surface: 'rest', op: 'identity.get', input: {} },
    { type: 'ok', id: accepted.id, status: 200, output: { ok: true } },
  ]);

  expect(await handle.rest('contacts.list')).toMatchObject({ outcome: 'fail', status: 404, output: '' });

  node.process.signal('SIGSTOP');
  expect(await handle.rest('identity.get')).toMatchObject({ outcome: 'info', error: 'no answer within 400 ms' });
  node.process.signal('SIGCONT');

  await node.kill();
  const impossible = await handle.rest('identity.get');
  expect(impossible).toMatchObject({ outcome: 'fail' });
  expect(impossible.error).toMatch(/ECONNREFUSED|ECONNRESET|cannot reach|closed/);
});

test('a handle follows its node through a restart', async () => {
  await using it = await aliceAlone();
  await it.handle.introduce();
  const before = it.handle.agentId;
  expect(before).toMatch(/^[0-9a-f]{64}$/);
  await it.node.stop();
  await it.node.start();
  await it.handle.introduce();
  expect(it.handle.agentId).toBe(before);
});

test('the token is never written, wherever it turns up', async () => {
  await using it = await aliceAlone();
  const { handle, lines } = it;
  await handle.raw('status.health', { method: 'GET', target: `/health?token=${handle.target.token}`, token: null });
  expect(JSON.stringify(lines)).not.toContain(handle.target.token);
  expect(JSON.stringify(lines)).toContain('[secret]');
});

test('a stream that the node does not serve is an error, and recorded', async () => {
  await using it = await aliceAlone();
  await expect(it.handle.follow('messaging.events')).rejects.toThrow(/did not open/);
  expect(it.lines.at(-1)).toMatchObject({ type: 'fail', status: 404 });
});
