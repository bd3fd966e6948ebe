import { addMachine, pin, setTrust } from '@muster/protocol';
import { expect, test } from 'vitest';
import { eventually, freshIdentity, twoLinkedNodes } from '../../testing/network.ts';
import type { TestNode } from '../../testing/network.ts';

const context = { signal: new AbortController().signal, surface: 'rest' as const };
type Told = { event: string; agent_id: string; reachable?: boolean };

/** What the event stream of a node tells, as it tells it. */
async function follow(node: TestNode): Promise<{ readonly told: Told[]; readonly close: () => void }> {
  const stream = await node.node.handlers['presence.events']({}, context);
  const told: Told[] = [];
  void (async () => {
    for await (const { data } of stream.events) told.push(data);
  })();
  return { told, close: () => stream.close() };
}

const agents = async (node: TestNode) => ((await node.node.handlers['presence.agents']({}, context)) as { agents: string[] }).agents;
const status = async (node: TestNode, id: string) =>
  (await node.node.handlers['presence.status']({ id }, context)) as { online: boolean; agent: Record<string, unknown> | null };

test('a linked agent is online on every route, its coming and going are told, and it is remembered', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const id = b.identity.agentId;
  const early = await follow(a);
  await eventually('b is online', async () => (await agents(a)).includes(id));
  const late = await follow(a);
  await eventually('both streams say so', () => early.told.length > 0 && late.told.length > 0);
  for (const { told } of [early, late]) expect(told).toEqual([{ event: 'online', agent_id: id, reachable: true }]);
  const entry = { agent_id: id, machine_id: b.identity.machineId, user_id: null };
  expect(await status(a, id)).toMatchObject({ online: true, agent: entry });
  expect(await a.node.handlers['presence.online']({}, context)).toMatchObject({ agents: [entry] });
  expect(await status(a, a.identity.agentId)).toMatchObject({ online: true, agent: { machine_id: a.identity.machineId } });
  expect(await agents(a)).toEqual([id]);

  await b[Symbol.asyncDispose]();
  await eventually('both streams say that it left', () => early.told.length === 2 && late.told.length === 2, 2_000);
  expect(early.told[1]).toEqual({ event: 'offline', agent_id: id });
  expect(await status(a, id)).toMatchObject({ online: false, agent: entry });
  expect(await agents(a)).toEqual([]);
  early.close();
  late.close();
});

test('who is blocked, or speaks from another machine than the pinned one, is gone from every route', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const id = b.identity.agentId;
  const { contacts } = a.node.services;
  const { told, close } = await follow(a);
  await eventually('b is online', async () => (await agents(a)).includes(id));
  contacts.update(id, (standing, now) => setTrust(standing, 'blocked', now));
  expect([await agents(a), await status(a, id)]).toEqual([[], { online: false, agent: null }]);
  expect(await a.node.handlers['presence.find']({ id, ttl: 1, timeout_ms: 100 }, context)).toEqual({ agent: null });
  await eventually('the stream says so at its next look', () => told.at(-1)?.event === 'offline', 3_000);
  contacts.update(id, (standing, now) => setTrust(standing, 'known', now));
  expect(await agents(a)).toEqual([id]);
  const other = freshIdentity().machineId;
  contacts.update(id, (standing, now) => pin(addMachine(standing, other, now), other));
  expect([await agents(a), await status(a, id)]).toEqual([[], { online: false, agent: null }]);
  close();
});
