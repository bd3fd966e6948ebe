/** What becomes of messages that were published while a node was away: each arrives once, or is told as missed. */
import { MAX_GONE } from '@muster/protocol';
import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { TICK_MS } from './limits.ts';
import { ModelNetwork } from './model-network.test-helper.ts';
import type { ModelNode } from './model-network.test-helper.ts';

const [KEPT, MAX_DROPPED] = [200, 6_000];
vi.mock(import('./limits.ts'), async (limits) => ({ ...(await limits()), KEPT: 200, MAX_DROPPED: 6_000 }));

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

test('those that listen behind a node that was cut off are told what all of them missed, each once', () => {
  const { net, nodes } = listening(5, 3);
  const [publisher, ...rest] = nodes as [ModelNode, ...ModelNode[]];
  const gone = rest.slice(0, 3);
  net.run(12_000);
  net.split(gone);
  for (let index = 0; index < 2 * KEPT; index++) {
    net.publish(publisher, 't');
    net.run(20);
  }
  net.heal();
  net.link(gone[0]!, publisher);
  net.run(30_000);
  for (const node of gone) expect([node.got('t').length, told(node)]).toEqual([KEPT, KEPT]);
  for (const node of [publisher, rest[3]!]) expect([node.got('t').length, told(node)]).toEqual([2 * KEPT, 0]);
});

test('however much is gone, a node that comes back is told of it at leisure, and never of more', () => {
  const { net, nodes } = listening(2, 1);
  const [publisher, away] = nodes as [ModelNode, ModelNode];
  leave(net, away, [publisher], false);
  for (let index = 0; index < KEPT + 10 * MAX_GONE; index++) {
    net.publish(publisher, 't');
    net.run(2);
  }
  const pages: number[] = [];
  net.overheard = (control) => {
    if (control.kind === 'gone') pages.push(net.now);
  };
  comeBack(net, away, [publisher]);
  net.run(10_000);
  expect(pages).toHaveLength(10);
  for (const [index, at] of pages.slice(1).entries()) expect(at - pages[index]!).toBeGreaterThanOrEqual(TICK_MS);
  expect(away.missed, 'in one notice').toEqual([expect.objectContaining({ count: 10 * MAX_GONE })]);
});

test('of more than is known by name at least most is told, and the rest never twice', () => {
  const { net, nodes } = listening(3, 2);
  const [publisher, away, behind] = nodes as [ModelNode, ModelNode, ModelNode];
  net.run(12_000);
  net.split([away, behind]);
  const count = 2 * MAX_DROPPED;
  for (let index = 0; index < count; index++) {
    net.publish(publisher, 't');
    net.run(1);
  }
  net.heal();
  net.link(away, publisher);
  net.run(40_000);
  net.cut(away, publisher);
  net.run(5_000);
  net.link(away, publisher);
  net.run(40_000);
  for (const node of [away, behind]) {
    const lost = count - node.got('t').length;
    expect(told(node)).toBeLessThanOrEqual(lost);
    expect(told(node)).toBeGreaterThan(0.8 * lost);
  }
});

test('a parent that says without end that absurdly much is gone is cut off, and nothing is told as missed for it', () => {
  const { net, nodes } = listening(3, 1);
  const [parent, ...others] = nodes as [ModelNode, ModelNode, ModelNode];
  for (let turn = 0; turn < 40; turn++) {
    const control = { kind: 'gone', topic: 't', messages: [], older: 2 ** 52 } as const;
    for (const { id } of others) net.send(parent, id, { kind: 'control', peer: parent.id, control });
    net.run(100);
  }
  net.run(5_000);
  for (const node of others) expect([node.cuts, told(node)]).toEqual([[`${parent.id}:malformed`], 0]);
});

test('whoever is cut off again and again, alone or with another, gets each message once or is told of it, also over links that overflow', () => {
  const absence = fc.record({
    still: fc.boolean(),
    /** so many leave together */
    group: fc.integer({ min: 1, max: 2 }),
    count: fc.nat(3 * KEPT),
    every: fc.constantFrom(1, 20, 300),
    /** those that left publish one for each so many; 0: none */
    own: fc.constantFrom(0, 0, 3, 30),
    /** ms until the next absence begins */
    back: fc.constantFrom(100, 400, 1_500, 2_500, 20_000),
  });
  const law = fc.property(
    fc.record({
      seed: fc.nat(),
      size: fc.integer({ min: 2, max: 5 }),
      unsent: fc.constantFrom(0, 0, 0.2),
      absences: fc.array(absence, { minLength: 1, maxLength: 4 }),
    }),
    ({ seed, size, unsent, absences }) => {
      const { net, nodes } = listening(size, seed, { unsent });
      const [publisher] = nodes as [ModelNode];
      const sent = [net.publish(publisher, 't')];
      net.run(500);
      for (const { still, group, count, every, own, back } of absences) {
        const gone = nodes.slice(1, 1 + Math.min(group, size - 1));
        const others = nodes.filter((node) => !gone.includes(node));
        for (const node of gone) if (still) net.pause(node);
        net.run(12_000);
        net.split(gone);
        for (let index = 0; index < count; index++) {
          sent.push(net.publish(publisher, 't'));
          if (!still && own > 0 && index % own === 0) sent.push(net.publish(gone[index % gone.length]!, 't'));
          net.run(every);
        }
        net.heal();
        for (const node of gone) net.resume(node);
        for (const other of others.slice(0, 1 + (count % others.length))) net.link(gone[count % gone.length]!, other);
        net.run(back);
      }
      net.run(60_000);
      for (const node of nodes) {
        const got = new Set(node.got('t'));
        expect(got.size, 'once').toBe(node.got('t').length);
        const lost = sent.filter((id) => !got.has(id)).length;
        expect(told(node), 'never in silence').toBeGreaterThanOrEqual(lost);
        // What one says is gone may come back with another, later than anyone waits: if links overflow, or if the part that left published itself.
        if (unsent === 0 && absences.every(({ own }) => own === 0)) expect(told(node), 'never of more than were lost').toBe(lost);
      }
    },
  );
  fc.assert(law, { seed: 20261121, numRuns: 25 });
});
