/** What becomes of messages that were published while a node was away: each arrives once, or is told as missed. */
import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { ModelNetwork } from './model-network.test-helper.ts';
import type { ModelNode } from './model-network.test-helper.ts';

const KEPT = 200;
vi.mock(import('./limits.ts'), async (limits) => ({ ...(await limits()), KEPT: 200 }));

/** Nodes that know one another; those after the first `silent` ones listen to one topic. */
function listening(count: number, seed: number, { silent = 0, settled = true, unsent = 0 } = {}): { net: ModelNetwork; nodes: ModelNode[] } {
  const net = new ModelNetwork({ delay: 5, seed, unsent });
  const nodes = Array.from({ length: count }, () => net.add());
  for (const node of nodes.slice(1)) net.link(node, nodes[0]!);
  net.run(settled ? 5_000 : 100);
  for (const node of nodes.slice(silent)) net.subscribe(node, 't');
  net.run(settled ? 5_000 : 50);
  return { net, nodes };
}

/** The links end unnoticed by a process that stands still: it reads later what was sent before. */
function leave(net: ModelNetwork, away: ModelNode, others: readonly ModelNode[], still: boolean): void {
  if (still) net.pause(away);
  net.run(12_000);
  for (const other of others) net.cut(away, other);
  net.split([away]);
}

function comeBack(net: ModelNetwork, away: ModelNode, others: readonly ModelNode[]): void {
  net.heal();
  net.resume(away);
  for (const other of others) net.link(away, other);
}

const told = (node: ModelNode): number => node.missed.reduce((sum, { count }) => sum + count, 0);

describe.each([
  ['stood still', true],
  ['was cut off', false],
])('a node that %s', (_, still) => {
  /** The first of `count` messages is published when it is gone, the last just before it comes back. */
  const absence = (count: number, every: number, seed: number): { got: number; told: number } => {
    const { net, nodes } = listening(2, seed, { silent: 1, settled: false });
    const [publisher, away] = nodes as [ModelNode, ModelNode];
    for (let index = 0; index < 10; index++) net.publish(publisher, 't');
    net.run(10);
    leave(net, away, [publisher], still);
    for (let index = 0; index < count; index++) {
      net.publish(publisher, 't');
      net.run(every);
    }
    comeBack(net, away, [publisher]);
    net.run(10_000);
    expect(new Set(away.got('t')).size).toBe(away.got('t').length);
    expect(told(publisher)).toBe(0);
    return { got: away.got('t').length - 10, told: told(away) };
  };
  // Which of the two is the root of what differs.
  const seeds = [1, 2, 3, 4, 5, 6];

  test.each([
    ['all that is kept', KEPT, 0],
    ['one more than is kept', KEPT + 1, 1],
    ['many times what is kept', 5 * KEPT, 4 * KEPT],
  ])('and missed %s gets what is kept, and is told of each of the rest', (_title, count, lost) => {
    for (const seed of seeds) expect(absence(count, 100, seed)).toEqual({ got: count - lost, told: lost });
  });

  test('for five minutes gets all, and after ten is told of each that is older', () => {
    expect(absence(100, 2_880, 1)).toEqual({ got: 100, told: 0 });
    const { got, told } = absence(100, 6_000, 1);
    expect(got).toBeGreaterThan(49);
    expect(told).toBeGreaterThan(30);
    expect(got + told).toBe(100);
  });
});

test('what is dropped while a node is still catching up is told, too', () => {
  const { net, nodes } = listening(2, 1);
  const [publisher, away] = nodes as [ModelNode, ModelNode];
  leave(net, away, [publisher], false);
  const sent = Array.from({ length: KEPT }, () => net.publish(publisher, 't'));
  comeBack(net, away, [publisher]);
  // It has been told of all, and asks when nothing comes by itself; by then half of it is gone.
  net.run(60);
  for (let index = 0; index < KEPT / 2; index++) sent.push(net.publish(publisher, 't'));
  net.run(30_000);
  expect(away.got('t').length).toBeLessThan(sent.length);
  expect(away.got('t').length + told(away)).toBe(sent.length);
});

test('a node that does not know that it missed something is told by those who know that they did not get through', () => {
  const { net, nodes } = listening(2, 1);
  const [publisher, away] = nodes as [ModelNode, ModelNode];
  net.jam(publisher, away);
  const sent = [net.publish(publisher, 't')];
  net.run(20_000);
  net.cut(publisher, away);
  net.heal();
  net.link(away, publisher);
  net.run(5_000);
  expect(away.got('t')).toEqual(sent);
});

test('what finds no room when it is asked for is told of again, until it got through', () => {
  const { net, nodes } = listening(2, 1, { unsent: 0.5 });
  const [publisher, listener] = nodes as [ModelNode, ModelNode];
  const sent = Array.from({ length: KEPT }, () => {
    net.run(20);
    return net.publish(publisher, 't');
  });
  net.run(60_000);
  expect(listener.got('t').toSorted()).toEqual(sent);
});

test('whoever is away again and again, by whatever way and while it is still catching up, gets each message once or is told of it', () => {
  const absence = fc.record({
    still: fc.boolean(),
    count: fc.nat(3 * KEPT),
    every: fc.constantFrom(1, 20, 300),
    /** ms until the next absence begins */
    back: fc.constantFrom(100, 400, 1_500, 2_500, 20_000),
  });
  const law = fc.property(
    fc.record({ seed: fc.nat(), size: fc.integer({ min: 2, max: 4 }), absences: fc.array(absence, { minLength: 1, maxLength: 4 }) }),
    ({ seed, size, absences }) => {
      const { net, nodes } = listening(size, seed);
      const [publisher, away] = nodes as [ModelNode, ModelNode];
      const others = nodes.filter((node) => node !== away);
      const sent = [net.publish(publisher, 't')];
      net.run(500);
      for (const { still, count, every, back } of absences) {
        leave(net, away, others, still);
        for (let index = 0; index < count; index++) {
          sent.push(net.publish(publisher, 't'));
          net.run(every);
        }
        comeBack(net, away, others);
        net.run(back);
      }
      net.run(30_000);
      for (const node of nodes) {
        const got = new Set(node.got('t'));
        expect(got.size, 'once').toBe(node.got('t').length);
        const lost = sent.filter((id) => !got.has(id)).length;
        if (lost > 0) expect(told(node), 'never in silence').toBeGreaterThan(0);
        if (node === away) expect(told(node), 'never more than were lost').toBeLessThanOrEqual(lost);
      }
    },
  );
  fc.assert(law, { seed: 20261121, numRuns: 60 });
});
