import { expect, test } from 'vitest';
import { eventually, startNode, twoLinkedNodes } from '../../testing/network.ts';
import type { TestNode } from '../../testing/network.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Listener {
  readonly node: TestNode;
  readonly got: string[];
}

function listen(node: TestNode, topic: string): Listener {
  const got: string[] = [];
  node.node.services.pubsub.subscribe(topic, ({ payload }) => got.push(new TextDecoder().decode(payload)));
  return { node, got };
}

const counter = (node: TestNode, name: string): number => node.node.services.counters.get(name);

/** All know the first, and find one another through it. */
async function manyNodes(count: number): Promise<TestNode[] & AsyncDisposable> {
  const first = await startNode({ autoDial: true });
  const others = await Promise.all(Array.from({ length: count - 1 }, () => startNode({ bootstrapPeers: [first.address], autoDial: true })));
  const nodes = [first, ...others];
  await eventually('everyone has a link', () => nodes.every(({ node }) => node.services.links.size > 0), 20_000);
  return Object.assign(nodes, {
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  });
}

test('ten nodes give every message of everyone to everyone, once, at little more than one copy each', { timeout: 60_000 }, async () => {
  await using nodes = await manyNodes(10);
  const listeners = nodes.map((node) => listen(node, 't'));
  await nodes[0]!.node.services.pubsub.publish('t', bytes('first'));
  await eventually('everyone listens', () => listeners.every(({ got }) => got.length === 1), 20_000);
  for (let index = 0; index < 100; index++) await nodes[index % 10]!.node.services.pubsub.publish('t', bytes(`${index}`));
  await eventually('all arrived', () => listeners.every(({ got }) => got.length >= 101), 20_000);
  for (const { got } of listeners) expect(new Set(got).size).toBe(got.length);
  const copies = nodes.reduce((sum, node) => sum + counter(node, 'gossip_incoming_duplicate_total'), 0);
  expect(copies).toBeLessThan(100 * 10);
});

test('a message for three of ten nodes reaches them, and those with no use for it hear nothing', { timeout: 60_000 }, async () => {
  await using nodes = await manyNodes(10);
  const listeners = nodes.slice(0, 3).map((node) => listen(node, 't'));
  await nodes[0]!.node.services.pubsub.publish('t', bytes('first'));
  await eventually('they listen', () => listeners.every(({ got }) => got.length === 1), 20_000);
  // Whoever carries a topic for others gets its messages and has nobody for them.
  const carried = (node: TestNode): number => counter(node, 'gossip_no_subscriber_total');
  const before = nodes.map(carried);
  for (let index = 0; index < 20; index++) await nodes[index % 3]!.node.services.pubsub.publish('t', bytes(`${index}`));
  await eventually('all arrived', () => listeners.every(({ got }) => got.length === 21));
  const unmoved = nodes.filter((node, index) => index >= 3 && carried(node) === before[index]);
  expect(unmoved.length).toBeGreaterThan(0);
});

test('nodes that end are healed around, and links that are cut too', { timeout: 60_000 }, async () => {
  await using nodes = await manyNodes(10);
  const listeners = nodes.map((node) => listen(node, 't'));
  await nodes[0]!.node.services.pubsub.publish('t', bytes('first'));
  await eventually('everyone listens', () => listeners.every(({ got }) => got.length === 1), 20_000);
  const rest = listeners.slice(3);
  // Nobody that is left may know only those that end.
  await eventually('everyone knows enough others', () => rest.every(({ node }) => node.node.services.links.size >= 4));
  await Promise.all(listeners.slice(0, 3).map(({ node }) => node[Symbol.asyncDispose]()));
  for (const link of rest[0]!.node.node.services.links.all()) {
    link.interrupted = true;
    link.wire.close('cut');
  }
  for (let index = 0; index < 20; index++) await rest[index % 7]!.node.node.services.pubsub.publish('t', bytes(`${index}`));
  await eventually('nothing was missed', () => rest.every(({ got }) => got.length >= 21), 10_000);
  for (const { got } of rest) expect(new Set(got).size).toBe(got.length);
});

test('whoever asks for more than it reads gets no more than fits its queue, and costs nobody a wait', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  const { got } = listen(b, 't');
  await a.node.services.pubsub.publish('t', new Uint8Array(256 * 1024));
  await eventually('it arrived', () => got.length === 1);
  const { ids } = b.node.services.pubsub.overlay.machine.history.since('t', 0, 0);
  expect(ids).toHaveLength(1);
  const end = b.node.services.links.toMachine(a.identity.machineId)!;
  end.wire.channel.pause();
  for (let round = 0; round < 200; round++) end.send({ kind: 'want', ids });
  await eventually('the rest is dropped at once', () => counter(a, 'gossip_slow_peer_dropped_total') > 100, 900);
});
