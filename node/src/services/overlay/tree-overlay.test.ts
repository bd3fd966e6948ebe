import { expect, test } from 'vitest';
import { eventually, twoLinkedNodes } from '../../testing/network.ts';
import type { TestNode } from '../../testing/network.ts';

const counter = (node: TestNode, name: string): number => node.node.services.counters.get(name);

test('whoever asks for more than it reads gets no more than fits its queue, and costs nobody a wait', async () => {
  await using nodes = await twoLinkedNodes();
  const [a, b] = nodes;
  let arrived = 0;
  b.node.services.pubsub.subscribe('t', () => arrived++);
  await a.node.services.pubsub.publish('t', new Uint8Array(256 * 1024));
  await eventually('it arrived', () => arrived === 1);
  const ids = b.node.services.pubsub.overlay.machine.history.since('t', 0, 0);
  expect(ids).toHaveLength(1);
  const end = b.node.services.links.toMachine(a.identity.machineId)!;
  end.wire.channel.pause();
  for (let round = 0; round < 200; round++) end.send({ kind: 'want', ids });
  await eventually('the rest is dropped at once', () => counter(a, 'gossip_slow_peer_dropped_total') > 100, 900);
});
