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
  const under = new Lazy(step, {
    known: (id) => here.has(id),
    pending: () => false,
    busy: () => false,
    cameAt: () => step.now,
    lost: (_peer, id) => lost.push(id),
    broken: () => {},
  });
  const said = (what: 'have' | 'want') => step.effects.flatMap((effect) => (effect.kind === 'tell' && effect.what === what ? effect.ids : []));
  return { step, here, lost, under, said };
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
      else if (kind === 'gone') under.gone(peers[by]!);
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
    for (const one of peers) under.gone(one);
    expect(under.size).toBe(0);
  });
  fc.assert(law, { seed: 20261121, numRuns: 60 });
});
