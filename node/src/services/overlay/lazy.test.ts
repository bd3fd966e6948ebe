/** What neighbours can make a node remember of messages that it does not have, and how it lets go of it. */
import type { MachineId } from '@muster/protocol';
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Lazy } from './lazy.ts';
import { modelRoots } from './model-network.test-helper.ts';
import { Step } from './types.ts';

const [UNTOLD, HOLDERS, AWAITED, AWAITED_OF_PEER] = [40, 3, 60, 25];
vi.mock(import('./limits.ts'), async (limits) => ({ ...(await limits()), UNTOLD: 40, HOLDERS: 3, AWAITED: 60, AWAITED_OF_PEER: 25 }));

const peer = (number: number): MachineId => number.toString(16).padStart(64, '0') as MachineId;
const ids = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => (from + index).toString(16).padStart(64, '0'));

function lazy() {
  const step = new Step<unknown>({ self: peer(99), random: () => 0, epoch: 0, seen: () => false, siteOf: () => undefined, roots: modelRoots });
  const here = new Set<string>();
  const lost: string[] = [];
  const settled: MachineId[] = [];
  const under = new Lazy(step, {
    known: (id) => here.has(id),
    pending: () => false,
    busy: () => false,
    internal: (id) => id.startsWith('f'),
    cameAt: () => step.now,
    lost: (_peer, id) => lost.push(id),
    settledPeers: () => settled,
    broken: () => {},
  });
  const said = (what: 'have' | 'want') => step.effects.flatMap((effect) => (effect.kind === 'tell' && effect.what === what ? effect.ids : []));
  return { step, here, lost, settled, under, said };
}

test('a peer waits to be told of a bounded number of messages, once of each, and of the rest it is known that it will not be', () => {
  const { step, under, lost, said } = lazy();
  under.offer(peer(1), ids(UNTOLD + 7));
  under.offer(peer(1), ids(UNTOLD));
  step.now += 1_000;
  under.flush();
  expect(said('have')).toEqual(ids(UNTOLD));
  expect(lost).toEqual(ids(7, UNTOLD));
});

test('what nodes tell of themselves waits for more of its kind, and what users say for nothing', () => {
  const { step, under, said } = lazy();
  const internal = `f${ids(1)[0]!.slice(1)}`;
  under.offer(peer(1), [internal]);
  expect(under.due).toBe(250);
  under.offer(peer(2), ids(1));
  expect(under.due).toBe(20);
  step.now = 20;
  under.flush();
  expect(said('have')).toEqual([internal, ...ids(1)]);
  expect(under.due).toBe(Infinity);
});

test('a node looks when a message is due that it may have to ask for, and again while something keeps it from asking', () => {
  const { step, under, said } = lazy();
  under.told(peer(1), ids(AWAITED_OF_PEER));
  step.now = 50;
  under.told(peer(2), ids(1, 1_000));
  expect(under.due).toBe(100);
  step.now = 100;
  under.flush();
  expect([said('want').length, under.due]).toEqual([AWAITED_OF_PEER, 150]);
});

test('of one message a bounded number of holders is remembered', () => {
  const { under } = lazy();
  for (let index = 0; index < 2 * HOLDERS; index++) under.told(peer(index), ids(1));
  expect(under.holders(ids(1)[0]!)).toHaveLength(HOLDERS);
});

test('one peer cannot make a node wait for more than its share, nor all together for more than there is room', () => {
  const { under } = lazy();
  under.told(peer(1), ids(AWAITED));
  expect([under.size, under.awaitedOf(peer(1))]).toEqual([AWAITED_OF_PEER, AWAITED_OF_PEER]);
  for (let index = 2; index < 9; index++) under.told(peer(index), ids(AWAITED_OF_PEER, 100 * index));
  expect(under.size).toBe(AWAITED);
});

test('whatever peers say, leave and give: all bounds hold, each message waits for one who is there, and in the end nothing is held', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('told' as const), by: fc.nat(7), from: fc.nat(120), count: fc.integer({ min: 1, max: 40 }) }),
    fc.record({
      kind: fc.constantFrom('arrived' as const, 'gone' as const, 'flush' as const),
      by: fc.nat(7),
      from: fc.nat(160),
      count: fc.constant(1),
    }),
  );
  const law = fc.property(fc.array(event, { maxLength: 60 }), (events) => {
    const { step, here, under } = lazy();
    const all = ids(200);
    const peers = Array.from({ length: 8 }, (_, index) => peer(index));
    for (const { kind, by, from, count } of events) {
      step.now += 50;
      step.effects = [];
      if (kind === 'told') under.told(peers[by]!, all.slice(from, from + count));
      else if (kind === 'gone') under.gone(peers[by]!, step.now);
      else if (kind === 'flush') under.flush();
      else {
        here.add(all[from]!);
        under.settled(all[from]!);
      }
      expect(under.size).toBeLessThanOrEqual(AWAITED);
      let sum = 0;
      for (const one of peers) {
        const own = under.awaitedOf(one);
        expect(own).toBeGreaterThanOrEqual(0);
        expect(own).toBeLessThanOrEqual(AWAITED_OF_PEER);
        sum += own;
      }
      expect(sum, 'each is counted once').toBe(under.size);
      for (const id of all) {
        const holders = under.holders(id);
        expect(holders.length).toBeLessThanOrEqual(HOLDERS);
        if (kind === 'gone') expect(holders).not.toContain(peers[by]!);
        if (here.has(id)) expect(holders).toEqual([]);
      }
    }
    for (const one of peers) under.gone(one, step.now);
    expect(under.size).toBe(0);
  });
  fc.assert(law, { seed: 20261121, numRuns: 60 });
});

test('what only a neighbour had that is gone is asked of the others in turn, until it comes', () => {
  const { step, here, settled, under } = lazy();
  const [x, y] = ids(2);
  under.told(peer(1), [x!, y!]);
  under.told(peer(2), [y!]);
  under.gone(peer(1), step.now);
  expect(under.holders(x!)).toEqual([]);
  expect(under.holders(y!)).toEqual([peer(2)]);
  const asked = (at: number) => {
    step.effects = [];
    step.now = at;
    under.flush();
    return step.effects.flatMap((effect) => (effect.kind === 'tell' && effect.what === 'want' && effect.ids.includes(x!) ? [effect.peer] : []));
  };
  expect(asked(2_000), 'nobody is there').toEqual([]);
  settled.push(peer(2), peer(3));
  expect([asked(3_000), asked(4_000), asked(5_000)]).toEqual([[peer(2)], [peer(3)], []]);
  expect(under.arrived(x!, peer(3)), 'it was asked for').toBe(true);
  here.add(x!);
  under.settled(x!);
  settled.push(peer(4));
  expect(asked(6_000)).toEqual([]);
});

test('of what a neighbour was told, the oldest that it may not have heard is known when its link is lost', () => {
  const { step, under } = lazy();
  const note = (at: number, since: number) => {
    step.now = at;
    under.note(peer(1), since);
  };
  note(1_000, 10);
  note(1_100, 5);
  note(2_000, 900);
  note(3_000, 700);
  expect(under.gone(peer(1), 2_000)).toBe(700);
  note(1_000, 10);
  note(1_100, 5);
  expect(under.gone(peer(1), 1_050)).toBe(5);
  expect(under.gone(peer(1), 0), 'of the next link').toBe(Infinity);
});
