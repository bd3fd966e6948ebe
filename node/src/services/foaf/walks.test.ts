import { PRESENCE_TOPIC, setTrust } from '@muster/protocol';
import type { AgentId, LinkMessage, PresenceControl } from '@muster/protocol';
import { describe, expect, test } from 'vitest';
import type { TestContext } from 'vitest';
import { eventually, linked, startNode } from '../../testing/network.ts';
import type { NodeOptions, TestNode } from '../../testing/network.ts';

const context = { signal: new AbortController().signal, surface: 'rest' as const };

async function started(at: TestContext, options: NodeOptions): Promise<TestNode> {
  const node = await startNode(options);
  at.onTestFinished(() => node[Symbol.asyncDispose]());
  return node;
}

/** Gossip of presence does not arrive there: what such a node knows, it was told on a walk. */
async function startedDeaf(at: TestContext): Promise<TestNode> {
  const node = await started(at, {});
  node.node.services.pubsub.guard(PRESENCE_TOPIC, () => 'deaf');
  return node;
}

/** a – b – c – d; only those between hear one another's beacons. */
async function line(at: TestContext): Promise<[TestNode, TestNode, TestNode, TestNode]> {
  const a = await startedDeaf(at);
  const b = await started(at, { bootstrapPeers: [a.address] });
  const c = await started(at, { bootstrapPeers: [b.address] });
  const d = await started(at, { bootstrapPeers: [c.address] });
  await Promise.all([linked(a, b), linked(b, c), linked(c, d)]);
  const sees = (one: TestNode, other: TestNode): boolean => one.node.services.presence.isOnline(other.identity.agentId);
  await eventually('beacons crossed the line', () => sees(c, d) && sees(d, c) && sees(b, a) && sees(c, b) && sees(b, c));
  return [a, b, c, d];
}

/** What the node can only have from its neighbours: they forget it. */
function forget(node: TestNode, agent: AgentId): void {
  const { table } = node.node.services.presence;
  const { envelope } = table;
  table.envelope = (who, mono) => (who === agent ? undefined : envelope.call(table, who, mono));
}

const find = async (from: TestNode, whom: TestNode, ttl: number, timeout = 5_000): Promise<string | undefined> => {
  const { agent } = (await from.node.handlers['presence.find']({ id: whom.identity.agentId, ttl, timeout_ms: timeout }, context)) as {
    agent: { agent_id: string } | null;
  };
  return agent?.agent_id;
};
const trust = (at: TestNode, whom: TestNode, level: 'known' | 'blocked'): void =>
  void at.node.services.contacts.update(whom.identity.agentId, (standing, now) => setTrust(standing, level, now));
const counter = (node: TestNode, name: string): number => node.node.services.counters.get(name);

describe.concurrent('walks from friend to friend', () => {
  test('a walk finds who is so many steps away, and not one more', async (at) => {
    const [a, b, c, d] = await line(at);
    for (const between of [b, c]) forget(between, d.identity.agentId);
    expect(await find(a, d, 0)).toBeUndefined();
    expect(await find(a, d, 2)).toBeUndefined();
    expect(await find(a, d, 3)).toBe(d.identity.agentId);
    // Now it is known here: nobody is asked again.
    const asked = counter(b, 'foaf_queries_total');
    expect(await find(a, d, 3)).toBe(d.identity.agentId);
    expect(counter(b, 'foaf_queries_total')).toBe(asked);
    const status = (await a.node.handlers['presence.status']({ id: d.identity.agentId }, context)) as { online: boolean; agent: object };
    expect(status).toMatchObject({ online: true, agent: { machine_id: d.identity.machineId, addresses: [] } });
  });

  test('friends of friends are told when they are trusted here, and nobody else', async (at) => {
    const [a, b, c, d] = await line(at);
    trust(a, c, 'known');
    const { agents } = (await a.node.handlers['presence.foaf']({ ttl: 3, timeout_ms: 5_000 }, context)) as { agents: { agent_id: string }[] };
    expect(agents.map(({ agent_id }) => agent_id)).toEqual([c.identity.agentId]);
    expect(a.node.services.presence.online().map(({ agent }) => agent)).toEqual(
      expect.arrayContaining([b, c, d].map(({ identity }) => identity.agentId)),
    );
  });

  test('nobody is told of who is blocked where the walk passes, nor is a blocked one answered', async (at) => {
    const [a, b, c, d] = await line(at);
    forget(c, d.identity.agentId);
    trust(b, d, 'blocked');
    expect(await find(a, d, 3)).toBeUndefined();
    expect(await find(a, c, 3)).toBe(c.identity.agentId);
    trust(b, a, 'blocked');
    const refused = counter(b, 'foaf_queries_refused_total{reason="rejected"}');
    expect(await find(a, d, 3, 200)).toBeUndefined();
    await eventually('b refused it', () => counter(b, 'foaf_queries_refused_total{reason="rejected"}') > refused);
  });

  test('a walk in a circle ends by itself, each node asked once, long before its time is up', async (at) => {
    const a = await startedDeaf(at);
    const b = await started(at, { bootstrapPeers: [a.address] });
    const c = await started(at, { bootstrapPeers: [a.address, b.address] });
    await Promise.all([linked(a, b), linked(b, c), linked(a, c)]);
    const before = performance.now();
    expect(await find(a, { ...b, identity: { ...b.identity, agentId: 'ee'.repeat(32) as AgentId } }, 5, 20_000)).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(10_000);
    for (const node of [b, c]) expect(counter(node, 'foaf_queries_total')).toBe(1);
  });

  test('a neighbour that asks without end is answered now and then, and costs others nothing', async (at) => {
    const [a, b, c] = await line(at);
    const link = a.node.services.links.toMachine(b.identity.machineId)!;
    const before = counter(c, 'foaf_queries_total');
    for (let index = 0; index < 200; index++) {
      const query: PresenceControl = { kind: 'query', walk: new Uint8Array(16).fill(index), ttl: 5, target: null };
      link.send({ kind: 'presence', control: query });
    }
    await eventually('all were judged', () => counter(b, 'foaf_queries_total') + counter(b, 'foaf_queries_refused_total{reason="rate"}') >= 200);
    expect(counter(b, 'foaf_queries_total')).toBeLessThanOrEqual(12);
    expect(counter(c, 'foaf_queries_total') - before).toBeLessThanOrEqual(12);
  });

  test('answers that nobody asked for, and beacons that nobody signed, teach nothing', async (at) => {
    const [a, b, c] = await line(at);
    const { presence, links } = a.node.services;
    const link = b.node.services.links.toMachine(a.identity.machineId)!;
    const good = b.node.services.presence.table.envelope(c.identity.agentId, performance.now())!;
    const answer = (walk: Uint8Array, beacons: Uint8Array[]): LinkMessage => ({
      kind: 'presence',
      control: { kind: 'answer', walk, forwarded: 0, beacons },
    });
    link.send(answer(new Uint8Array(16), [good]));
    await eventually('it was refused', () => counter(a, 'foaf_answers_refused_total') === 1);
    expect(presence.table.get(c.identity.agentId)).toBeUndefined();
    const forged = good.map((byte, index) => (index === good.length - 9 ? byte ^ 1 : byte));
    expect(await presence.offered(forged)).toBe(false);
    expect(await presence.offered(Uint8Array.of(1, 2))).toBe(false);
    expect(presence.table.get(c.identity.agentId)).toBeUndefined();
    expect(await presence.offered(good)).toBe(true);
    expect(links.size).toBe(1);
  });
});
