import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReplayWindow } from './replay.ts';

describe('a replay window', () => {
  test('takes an id once and counts the rest by cause', () => {
    const window = new ReplayWindow({ capacity: 2 });
    expect(window.seen('a', 5_000, 1_000)).toBe('fresh');
    expect(window.seen('a', 5_000, 2_000)).toBe('replay');
    expect(window.seen('b', 1_999, 2_000)).toBe('expired');
    expect(window.seen('c', 5_000, 2_000)).toBe('fresh');
    expect(window.seen('d', 5_000, 2_000)).toBe('full');
    expect(window.counts).toEqual({ fresh: 2, replay: 1, expired: 1, full: 1 });
  });

  test('can be asked without being told', () => {
    const window = new ReplayWindow({ capacity: 1 });
    expect(window.has('a')).toBe(false);
    expect(window.seen('a', 5_000, 1_000)).toBe('fresh');
    expect(window.has('a')).toBe(true);
  });

  test('makes room when ids are stale, not before', () => {
    const window = new ReplayWindow({ capacity: 1 });
    window.seen('a', 5_500, 1_000);
    expect(window.seen('b', 9_000, 5_500)).toBe('full');
    expect(window.seen('a', 5_500, 5_500)).toBe('replay');
    expect(window.seen('b', 9_000, 6_000)).toBe('fresh');
    expect(window.size).toBe(1);
  });

  test('does not forget what it swept when the clock is set back', () => {
    const window = new ReplayWindow({ capacity: 10 });
    window.seen('a', 2_000, 1_000);
    window.seen('b', 20_000, 10_000);
    expect(window.seen('a', 2_000, 1_000)).toBe('expired');
    expect(window.seen('b', 20_000, 1_000)).toBe('replay');
  });

  test('never takes an id twice and never holds more than its capacity, whatever the order and the clock', () => {
    const asks = fc.array(fc.record({ id: fc.nat(40), now: fc.nat(20_000) }), { maxLength: 200 });
    const law = fc.property(asks, fc.integer({ min: 1, max: 20 }), (sequence, capacity) => {
      const window = new ReplayWindow({ capacity });
      const taken = new Set<number>();
      for (const { id, now } of sequence) {
        if (window.seen(String(id), id * 500, now) !== 'fresh') continue;
        expect(taken.has(id)).toBe(false);
        expect(now).toBeLessThanOrEqual(id * 500);
        taken.add(id);
        expect(window.size).toBeLessThanOrEqual(capacity);
      }
    });
    fc.assert(law, { seed: 20261121, numRuns: 500 });
  });
});
