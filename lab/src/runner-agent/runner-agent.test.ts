import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { NodeHandle } from '../record/node-handle.ts';
import { seededRandom } from '../runner/random.ts';
import { startDaemon } from '../testing/daemons.ts';
import { memoryRecorder } from '../testing/journals.ts';
import { digestMarker, DISCOVER_TOPIC, encodeCommand, type RunnerResult } from './messages.ts';
import { Orchestrator } from './orchestrator.ts';
import { RunnerAgent } from './runner-agent.ts';

/** Three real nodes: an orchestrator beside the first, runners beside the others. */
async function threeNodes(topics = false) {
  const first = await startDaemon([], 'alice');
  const second = await startDaemon([first.daemon.bindAddress], 'bob');
  const third = await startDaemon([first.daemon.bindAddress, second.daemon.bindAddress], 'carol');
  const meshed = async () =>
    (await Promise.all([first, second, third].map(async ({ client }) => (await client.status.health()).peers))).every((peers) => peers === 2);
  await eventually(systemClock, meshed, { within: 8000, what: 'a full mesh' });
  const { recorder, lines } = memoryRecorder();
  const [alice, bob, carol] = [first, second, third].map(({ target }) => {
    const handle = new NodeHandle(target, { recorder, clock: systemClock });
    onTestFinished(() => handle[Symbol.asyncDispose]());
    return handle;
  });
  const runners = await Promise.all([bob!, carol!].map((node) => RunnerAgent.start(node, { clock: systemClock, topics })));
  const seen: RunnerResult[] = [];
  const orchestrator = await Orchestrator.start(alice!, {
    clock: systemClock,
    random: seededRandom('1', 'test'),
    record: (result) => seen.push(result),
  });
  onTestFinished(async () => {
    await orchestrator[Symbol.asyncDispose]();
    for (const runner of runners) await runner[Symbol.asyncDispose]();
  });
  return { alice: alice!, bob: bob!, carol: carol!, orchestrator, runners, seen, lines };
}

const soon = (what: string) => ({ within: 5000, what });

test('a commanded message is reported by its sender and by its receiver with the same digest', async () => {
  const { bob, carol, orchestrator, runners, seen } = await threeNodes();
  const payload = Buffer.from('from bob | to carol');
  const command = await orchestrator.command(bob, 'send_dm', { to: carol.agentId, payload: payload.toString('base64') });
  expect(command.sent.outcome).toBe('ok');
  const sent = await orchestrator.result(({ command_id, kind }) => kind === 'send_result' && command_id === command.id, soon('the send result'));
  const received = await orchestrator.result(({ kind, request_id }) => kind === 'received_dm' && request_id === sent.request_id, soon('the receipt'));
  expect(sent).toMatchObject({ node: 'bob', outcome: 'ok', digest_marker: digestMarker(payload), agent_id: bob.agentId });
  expect(received).toMatchObject({ node: 'carol', outcome: 'ok', digest_marker: digestMarker(payload), details: { sender: bob.agentId } });
  expect(seen).toHaveLength(2);
  expect(runners.map(({ lost }) => lost)).toEqual([0, 0]);
});

test('runners answer discovery and acknowledge; what they do not know is an error, what is not for them is ignored', async () => {
  const { bob, carol, orchestrator } = await threeNodes();
  const answers = async (action: string) => {
    const { id } = await orchestrator.command(bob, action);
    return orchestrator.result(({ command_id }) => command_id === id, soon(`an answer to ${action}`));
  };
  expect(await answers('discover')).toMatchObject({ kind: 'discover_reply', node: 'bob', agent_id: bob.agentId, machine_id: bob.machineId });
  expect(await answers('noop_ack')).toMatchObject({ kind: 'ack', outcome: 'ok' });
  expect(await answers('juggle')).toMatchObject({ kind: 'error', outcome: 'unknown_action' });
  expect(await answers('send_dm')).toMatchObject({ kind: 'error', outcome: 'bad_params' });
  const stray = await orchestrator.command({ agentId: bob.agentId, name: carol.name }, 'noop_ack');
  await answers('noop_ack');
  expect(orchestrator.results.filter(({ command_id }) => command_id === stray.id)).toEqual([]);
});

test('one word on the discovery topic finds every runner', async () => {
  const { alice, orchestrator } = await threeNodes(true);
  const command = encodeCommand({ command_id: 'hello', target_node: '', action: 'discover', anchor_aid: alice.agentId, params: {} });
  await alice.rest('messaging.publish', { topic: DISCOVER_TOPIC, payload: Buffer.from(command).toString('base64') });
  for (const name of ['bob', 'carol']) await orchestrator.result(({ node, kind }) => kind === 'discover_reply' && node === name, soon(name));
});

test('a refused message is reported as refused', async () => {
  const { bob, carol, orchestrator } = await threeNodes();
  await carol.rest('contacts.add', { agent_id: bob.agentId, trust_level: 'blocked' });
  const { id } = await orchestrator.command(bob, 'send_dm', { to: carol.agentId, payload: 'aGk=' });
  const sent = await orchestrator.result(({ command_id }) => command_id === id, soon('the send result'));
  expect(sent).toMatchObject({ kind: 'send_result', outcome: 'fail', details: { status: 403 } });
});
