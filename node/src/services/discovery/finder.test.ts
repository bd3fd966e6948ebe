import type { AgentId } from '@muster/protocol';
import { expect, test } from 'vitest';
import { eventually, freshIdentity, linked, nodesInLine, startNode } from '../../testing/network.ts';
import type { NodeOptions, TestNode } from '../../testing/network.ts';
import type { NodePorts } from '../../node.ts';

type Answer = { found: boolean; addresses?: string[]; tried: string[] };
const find = async (at: TestNode, agent: AgentId): Promise<Answer> =>
  (await at.node.handlers['discovery.find']({ agent_id: agent }, {} as never)) as Answer;
async function entry(at: TestNode, agent: AgentId) {
  const { agents } = (await at.node.handlers['discovery.agents']({ unfiltered: true }, {} as never)) as {
    agents: { agent_id: string; machine_id: string }[];
  };
  return agents.find(({ agent_id }) => agent_id === agent);
}

/** A wall clock that can be put forward, and timers of which those of a second or more are ten times as fast. */
function ownTime() {
  const time = {
    ahead: 0,
    wrap: (ports: NodePorts): NodePorts => {
      const { clock } = ports;
      const after: typeof clock.after = (ms, task) => clock.after(time.hurry && ms >= 800 ? ms / 10 : ms, task);
      return { ...ports, clock: { ...clock, now: () => clock.now() + time.ahead, after } };
    },
    hurry: false,
  };
  return time;
}

const brief: NodeOptions = { discovery: { ttlMs: 10_000 } };

test('who is no longer known of late is asked on its shard, across others', async () => {
  const time = ownTime();
  await using nodes = await nodesInLine(2);
  const [a, b] = nodes;
  await using c = await startNode({ ...brief, wrap: time.wrap, bootstrapPeers: [b.address] });
  const { agentId } = a.identity;
  await eventually('it is heard of', async () => (await entry(c, agentId)) !== undefined);
  expect(await find(c, agentId)).toEqual({ found: true, addresses: [], tried: ['cache'] });
  time.ahead = 20_000;
  expect(await find(c, agentId)).toEqual({ found: true, addresses: [], tried: ['cache', 'shard'] });
  expect(await find(c, agentId)).toMatchObject({ tried: ['cache'] });
  // Those with a link are asked for nothing: the link says that they are there.
  expect(await find(c, b.identity.agentId)).toEqual({ found: true, addresses: [b.address], tried: ['cache'] });
  expect(a.node.services.counters.get('discovery_asks_total')).toBeGreaterThan(0);
});

test('who has gone is found by what it left with the keepers, by those who never heard of it too', async () => {
  await using b = await startNode();
  const a = await startNode({ bootstrapPeers: [b.address] });
  await linked(a, b);
  const { agentId, machineId } = a.identity;
  const kept = () => [...b.store.range({ prefix: 'rendezvous/' })].some(({ key }) => key.endsWith(agentId));
  await eventually('its record is kept', kept);
  await a[Symbol.asyncDispose]();
  await using c = await startNode({ bootstrapPeers: [b.address] });
  await linked(b, c);
  expect(await find(c, agentId)).toEqual({ found: true, addresses: [], tried: ['cache', 'shard', 'rendezvous'] });
  expect(await entry(c, agentId)).toMatchObject({ machine_id: machineId });
  expect(b.node.services.counters.get('rendezvous_answers_total')).toBeGreaterThan(0);
});

test('who is nowhere is not found, and several who look for it look together', async () => {
  const time = ownTime();
  await using nodes = await nodesInLine(2);
  const [a, b] = nodes;
  await using c = await startNode({ wrap: time.wrap, bootstrapPeers: [b.address] });
  await linked(b, c);
  time.hurry = true;
  const nobody = freshIdentity().agentId;
  const asks = () => b.node.services.counters.get('rendezvous_asks_total');
  const answers = await Promise.all(Array.from({ length: 5 }, () => find(c, nobody)));
  expect(answers).toEqual(answers.map(() => ({ found: false, tried: ['cache', 'shard', 'rendezvous'] })));
  expect(asks()).toBeLessThanOrEqual(3);
  expect(await find(c, nobody)).toMatchObject({ found: false });
  expect(asks()).toBeLessThanOrEqual(3);
  const crowd = Array.from({ length: 80 }, (_, index) => find(c, index.toString(16).padStart(64, '0') as AgentId).then(({ found }) => found, (error: { status: number }) => error.status)); // prettier-ignore
  const told = await Promise.all(crowd);
  expect([told.filter((one) => one === 503).length, told.filter((one) => one === false).length]).toEqual([16, 64]);
  expect(a.node.services.links.size).toBe(1);
});

test('a node alone says at once that it knows nobody, and where it is itself', async () => {
  await using a = await startNode();
  expect(await find(a, freshIdentity().agentId)).toEqual({ found: false, tried: ['cache'] });
  expect(await find(a, a.identity.agentId)).toEqual({ found: true, addresses: [a.address], tried: ['cache'] });
});

test('without rendezvous only the agent itself is asked', async () => {
  const time = ownTime();
  await using nodes = await nodesInLine(2);
  const [, b] = nodes;
  await using c = await startNode({ wrap: time.wrap, discovery: { rendezvousValidityMs: undefined }, bootstrapPeers: [b.address] });
  await linked(b, c);
  time.hurry = true;
  expect(await find(c, freshIdentity().agentId)).toEqual({ found: false, tried: ['cache', 'shard'] });
});
