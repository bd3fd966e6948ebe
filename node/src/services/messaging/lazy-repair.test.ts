import { expect, test } from 'vitest';
import { clock, eventually, linked, startNode } from '../../testing/network.ts';
import { LazyRepair } from './lazy-repair.ts';

test('a peer that claims to have endless messages neither fills the memory nor keeps others from being asked', async () => {
  await using a = await startNode();
  await using liar = await startNode({ bootstrapPeers: [a.address] });
  await using honest = await startNode({ bootstrapPeers: [a.address] });
  await Promise.all([linked(a, liar), linked(a, honest)]);
  const link = (node: typeof liar) => a.node.services.links.toMachine(node.identity.machineId)!;
  const asked = new Map<string, number>();
  for (const node of [liar, honest]) {
    link(node).send = (message) => {
      if (message.kind === 'want') asked.set(node.address, (asked.get(node.address) ?? 0) + message.ids.length);
      return true;
    };
  }
  using repair = new LazyRepair({ clock, links: () => [], known: () => false, pass: () => {} });
  const ids = (from: number, count: number) => Array.from({ length: count }, (_, index) => (from + index).toString(16).padStart(64, '0'));
  repair.told(link(liar), ids(0, 20_000));
  // The same one over and over is one question.
  for (let round = 0; round < 100; round++) repair.told(link(honest), ids(1_000_000, 1));
  await eventually('both are asked', () => asked.size === 2);
  expect(asked.get(liar.address)).toBe(4_096);
  expect(asked.get(honest.address)).toBe(1);
});

test('whoever asks for more than it reads gets no more than fits its queue, and costs nobody a wait', async () => {
  await using a = await startNode();
  await using b = await startNode({ bootstrapPeers: [a.address] });
  await linked(a, b);
  await a.node.services.pubsub.publish('t', new Uint8Array(256 * 1024));
  const end = b.node.services.links.toMachine(a.identity.machineId)!;
  const captured = Promise.withResolvers<readonly string[]>();
  b.node.services.links.on({
    up: () => {},
    down: () => {},
    message: (_, message) => void (message.kind === 'have' && captured.resolve(message.ids)),
  });
  const ids = await captured.promise;
  end.wire.channel.pause();
  for (let round = 0; round < 200; round++) end.send({ kind: 'want', ids });
  await eventually('the rest is dropped at once', () => a.node.services.counters.get('gossip_slow_peer_dropped_total') > 100, 900);
});
