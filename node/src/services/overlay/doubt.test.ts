/** A node that lost a neighbour doubts that it has everything; the doubt must end, whoever is left. */
import { expect, test, vi } from 'vitest';
import { ModelNetwork } from './model-network.test-helper.ts';
import type { ModelNode } from './model-network.test-helper.ts';

const KEPT = 50;
vi.mock(import('./limits.ts'), async (limits) => ({ ...(await limits()), KEPT: 50 }));

/** It takes part in no topic, whoever asks. */
function refuseTopics({ machine }: ModelNode): void {
  const step = machine.step.bind(machine);
  machine.step = (event) => step(event).filter((effect) => effect.kind !== 'send' || effect.control.kind !== 'topics');
}

test('whoever loses the only neighbour that took part is not told later that it missed what it got', () => {
  const net = new ModelNetwork({ delay: 5, seed: 1 });
  // Both roots lie on the side of the one that takes part in nothing: the listener asks nobody else to.
  const [refuser, listener, lost, near, far, root] = Array.from({ length: 6 }, () => net.add()).toSorted((a, b) => (a.id < b.id ? -1 : 1)) as [
    ModelNode,
    ModelNode,
    ModelNode,
    ModelNode,
    ModelNode,
    ModelNode,
  ];
  refuseTopics(refuser);
  const line = [root, refuser, listener, near, far];
  for (const [place, node] of line.entries()) for (const other of line.slice(place + 2)) net.block(node, other);
  for (const other of line) if (other !== listener) net.block(lost, other);
  for (const [place, node] of line.slice(1).entries()) net.link(node, line[place]!);
  net.link(lost, listener);
  net.run(10_000);
  for (const node of [listener, lost]) net.subscribe(node, 't');
  net.run(20_000);
  net.kill(lost);
  net.run(30_000);
  net.subscribe(near, 't');
  net.subscribe(far, 't');
  net.run(5_000);
  const sent = Array.from({ length: 2 * KEPT }, () => {
    net.run(50);
    return net.publish(near, 't');
  });
  net.heal();
  net.link(listener, far);
  net.run(10_000);
  expect(listener.got('t')).toEqual(sent);
  expect(listener.missed).toEqual([]);
});
