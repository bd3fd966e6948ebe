import * as fc from 'fast-check';
import type { MachineId } from '@muster/protocol';
import { expect, test } from 'vitest';
import type { Store, Write } from '../../ports/index.ts';
import { HandClock } from '../../testing/hand-clock.ts';
import { PeerCache, scoreOf } from './peer-cache.ts';
import type { CachedPeer } from './peer-cache.ts';

const options = { seed: 20261121, numRuns: 300 };
const NOW = 2_000_000_000;
const machine = (index: number) => index.toString(16).padStart(64, '0') as MachineId;
const log = { write: () => {} };

/** Keeps rows as a store does; what it holds survives the cache. */
function memory(): Store & { readonly rows: Map<string, Uint8Array> } {
  const rows = new Map<string, Uint8Array>();
  const batch = (writes: readonly Write[]): void => {
    for (const { key, value } of writes) {
      if (value) rows.set(key, value);
      else rows.delete(key);
    }
  };
  const range: Store['range'] = ({ prefix }) => [...rows].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({ key, value }));
  return { rows, batch, range, get: (key) => rows.get(key), count: () => rows.size, close: () => {} };
}

const entry: fc.Arbitrary<CachedPeer> = fc
  .record({
    good: fc.double({ min: 0, max: 500, noNaN: true }),
    bad: fc.double({ min: 0, max: 500, noNaN: true }),
    dialMs: fc.option(fc.double({ min: 0, max: 60_000, noNaN: true }), { nil: undefined }),
    answeredAgo: fc.option(fc.nat(10 * 365 * 86_400), { nil: undefined }),
    updatedAgo: fc.nat(365 * 86_400),
  })
  .map(({ good, bad, dialMs, answeredAgo, updatedAgo }) => ({
    machine: machine(1),
    address: 'a:1',
    good,
    bad,
    ...(dialMs !== undefined && { dialMs }),
    ...(answeredAgo !== undefined && { answeredAt: NOW - answeredAgo }),
    updatedAt: NOW - updatedAgo,
  }));

test('of two that always answered, the faster one comes first, and the one that answered lately', () => {
  const peer: CachedPeer = { machine: machine(1), address: 'a:1', good: 5, bad: 0, dialMs: 20, answeredAt: NOW, updatedAt: NOW };
  const score = scoreOf(peer, NOW);
  expect(scoreOf({ ...peer, dialMs: 2_000 }, NOW)).toBeLessThan(score * 0.9);
  expect(scoreOf({ ...peer, answeredAt: NOW - 30 * 86_400 }, NOW)).toBeLessThan(score * 0.9);
});

test('a score lies between 0 and 1; what went well raises it, what failed, slowness and age lower it', () => {
  fc.assert(
    fc.property(entry, fc.double({ min: 0.1, max: 100, noNaN: true }), (peer, more) => {
      const score = scoreOf(peer, NOW);
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThanOrEqual(1);
      const close = 1e-12;
      expect(scoreOf({ ...peer, good: peer.good + more }, NOW)).toBeGreaterThanOrEqual(score - close);
      expect(scoreOf({ ...peer, bad: peer.bad + more }, NOW)).toBeLessThanOrEqual(score + close);
      if (peer.dialMs !== undefined) expect(scoreOf({ ...peer, dialMs: peer.dialMs + more }, NOW)).toBeLessThan(score + close);
      if (peer.answeredAt === undefined) return;
      expect(scoreOf({ ...peer, answeredAt: peer.answeredAt - more * 86_400 }, NOW)).toBeLessThanOrEqual(score + close);
      const { answeredAt: _, ...unproven } = peer;
      expect(scoreOf(unproven, NOW)).toBeLessThanOrEqual(score + close);
    }),
    options,
  );
});

test('old failures are forgiven in time, and old successes fade', () => {
  const failing: CachedPeer = { machine: machine(1), address: 'a:1', good: 0, bad: 10, answeredAt: NOW, updatedAt: NOW };
  const later = NOW + 30 * 86_400;
  expect(scoreOf({ ...failing, answeredAt: later }, later)).toBeGreaterThan(scoreOf(failing, NOW) * 5);
  expect(scoreOf({ ...failing, good: 10, bad: 0 }, later)).toBeLessThan(scoreOf({ ...failing, good: 10, bad: 0 }, NOW));
});

test('whoever answers comes before whoever does not, once for each machine, and after a new start too', async () => {
  const clock = new HandClock();
  const store = memory();
  const cache = new PeerCache(store, clock, log);
  cache.heardOf(machine(3), 'said:1');
  cache.answered(machine(1), 'good:1', 10);
  cache.answered(machine(1), 'slow:1', 5_000);
  cache.answered(machine(2), 'bad:1', 10);
  for (let index = 0; index < 5; index++) cache.failed(undefined, 'bad:1');
  cache.failed(machine(1), 'never-heard-of:1');
  const order = ['good:1', 'said:1', 'bad:1'];
  expect(cache.candidates(12).map(({ address }) => address)).toEqual(order);
  expect(new PeerCache(store, clock, log).candidates(12).map(({ address }) => address)).toEqual(order);
  expect(cache.candidates(1)).toHaveLength(1);
});

test('endless addresses, of one machine, of one host or of many, push out nobody who answers', () => {
  const store = memory();
  const cache = new PeerCache(store, new HandClock(), log);
  cache.answered(machine(1), '10.0.0.1:1', 10);
  for (let index = 0; index < 100; index++) cache.heardOf(machine(1), `10.0.0.1:${index + 2}`);
  expect(cache.all()).toHaveLength(8);
  for (let index = 0; index < 100; index++) cache.heardOf(machine(1_000 + index), `198.18.0.1:${index + 1}`);
  for (let index = 0; index < 100; index++) cache.heardOf(machine(2_000 + index), `8.8.8.8:${index + 1}`);
  expect(cache.all().filter(({ address }) => address.startsWith('8.8.8.8:'))).toHaveLength(32);
  for (let index = 0; index < 1_100; index++) cache.heardOf(machine(5_000 + index), `10.1.${index >> 8}.${index & 255}:1`);
  expect([cache.all().length, store.rows.size]).toEqual([1_024, 1_024]);
  expect(cache.candidates(1)[0]).toMatchObject({ machine: machine(1), address: '10.0.0.1:1' });
});
