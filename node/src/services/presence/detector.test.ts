import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ASK_EVERY_MS, Detector } from './detector.ts';

const seed = { seed: 20261121 };
const INTERVAL = 30_000;
const LONGEST = 300_000;

/** Seeded, the same everywhere (mulberry32). */
function chance(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Life {
  readonly seed: number;
  readonly beacons: number;
  readonly loss: number;
  /** beacons come up to this much later than they were sent, in intervals */
  readonly jitter: number;
}

/** Beacons of a living agent over a bad line; asked each quarter of an interval whether it is alive. @returns how often it was not, and the last arrival */
function live(detector: Detector, { seed: from, beacons, loss, jitter }: Life): { wrong: number; last: number } {
  const random = chance(from);
  const arrivals: { at: number; number: number }[] = [];
  for (let number = 1; number <= beacons; number++) {
    if (random() >= loss) arrivals.push({ at: number * INTERVAL + random() * jitter * INTERVAL, number });
  }
  arrivals.sort((a, b) => a.at - b.at);
  let [wrong, last, latest] = [0, 0, 0];
  for (const { at, number } of arrivals) {
    for (let now = latest + INTERVAL / 4; now < at; now += INTERVAL / 4) if (!detector.alive(now, LONGEST)) wrong++;
    // What was overtaken says nothing new: the table refuses it.
    if (number > last) detector.beacon(at, INTERVAL, number - last);
    last = Math.max(last, number);
    latest = at;
  }
  return { wrong, last: latest };
}

/** ms from the last beacon until it is not alive any more. */
function window(detector: Detector, from: number): number {
  for (let now = from; now < from + 100 * INTERVAL; now += 100) if (!detector.alive(now, LONGEST)) return now - from;
  return Infinity;
}

describe('the detector', () => {
  test('never doubts a living agent at 20 % loss and with late beacons, day after day', () => {
    // Ten days each; together most of a year of beacons.
    const law = fc.property(
      fc.integer(),
      fc.double({ min: 0, max: 0.2, noNaN: true }),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      (from, loss, jitter) => {
        const { wrong } = live(new Detector(0, INTERVAL), { seed: from, beacons: 28_800, loss, jitter });
        expect(wrong).toBe(0);
      },
    );
    fc.assert(law, { ...seed, numRuns: 25 });
  });

  test('sees down who fell silent, within the documented window: 7 intervals on a good line, the longest silence on a bad one', () => {
    const law = fc.property(fc.integer(), fc.double({ min: 0, max: 0.2, noNaN: true }), fc.nat(500), (from, loss, beacons) => {
      const detector = new Detector(0, INTERVAL);
      const { last } = live(detector, { seed: from, beacons, loss, jitter: 0.1 });
      const silent = window(detector, last);
      expect(silent).toBeGreaterThanOrEqual(6 * INTERVAL);
      expect(silent).toBeLessThanOrEqual(LONGEST + 100);
      if (loss === 0) expect(silent).toBeLessThanOrEqual(7.5 * INTERVAL);
    });
    fc.assert(law, { ...seed, numRuns: 300 });
    const steady = new Detector(0, INTERVAL);
    expect(window(steady, live(steady, { seed: 1, beacons: 200, loss: 0, jitter: 0 }).last) / INTERVAL).toBeCloseTo(7, 0);
  });

  test('adapts: more loss and lateness widen the window, and it narrows again', () => {
    const after = (...lives: Life[]): number => {
      const detector = new Detector(0, INTERVAL);
      let at = 0;
      for (const { seed: from, beacons, loss } of lives) {
        const random = chance(from);
        let step = 0;
        for (let number = 1; number <= beacons; number++) {
          at += INTERVAL;
          step++;
          if (random() < loss) continue;
          detector.beacon(at, INTERVAL, step);
          step = 0;
        }
      }
      return detector.loss;
    };
    const bad = { seed: 3, beacons: 300, loss: 0.3, jitter: 0 };
    const good = { ...bad, loss: 0 };
    expect(after(good)).toBe(0.05);
    expect(after(good, bad)).toBeGreaterThan(0.15);
    expect(after(bad, good)).toBe(0.05);
  });

  test('whose beacons come late, several at once, is given more time', () => {
    const after = (by: number): number => {
      const detector = new Detector(0, INTERVAL);
      for (let number = 1; number <= 100; number++)
        detector.beacon(Math.max(detector.last, number * INTERVAL + (number % 4 === 1 ? by : 0)), INTERVAL, 1);
      return window(detector, detector.last);
    };
    expect(after(3 * INTERVAL) - after(0)).toBeGreaterThan(0.4 * INTERVAL);
  });

  test('a hint is no verdict: an agent that answers when asked stays, with one silence after another', () => {
    const detector = new Detector(0, INTERVAL);
    let at = 0;
    for (let number = 1; number < 100; number++) {
      at += 5_000;
      detector.hint(at);
      detector.asked(at + 200);
      expect(detector.alive(at + 1_900, LONGEST)).toBe(true);
      detector.beacon(at + 1_900, INTERVAL, 1);
    }
    expect(detector.hinted).toBe(false);
  });

  test('a hint alone, with nobody asking, changes nothing before beacons are missing', () => {
    const [hinted, other] = [new Detector(0, INTERVAL), new Detector(0, INTERVAL)];
    hinted.hint(0);
    expect(hinted.alive(2 * INTERVAL, LONGEST)).toBe(true);
    expect([window(hinted, 0) / INTERVAL, window(other, 0) / INTERVAL].map(Math.round)).toEqual([5, 7]);
  });

  test('who does not answer six asks after a broken link is down within 12 s, long before its beacons are due', () => {
    const detector = new Detector(0, INTERVAL);
    detector.hint(1_000);
    for (let ask = 0; ask < 20; ask++) detector.asked(1_500 + ask * ASK_EVERY_MS);
    const silent = window(detector, 1_000);
    expect(silent).toBeGreaterThan(3 * ASK_EVERY_MS);
    expect(silent).toBeLessThanOrEqual(12_000);
  });

  test('asks on top of one another count once, so that a crowd of askers proves nothing', () => {
    const detector = new Detector(0, INTERVAL);
    detector.hint(1_000);
    for (let ask = 0; ask < 1_000; ask++) detector.asked(1_500 + ask);
    expect(detector.alive(25_000, LONGEST)).toBe(true);
  });

  test('a beacon that crossed the hint does not take it back, a later one does', () => {
    const detector = new Detector(0, INTERVAL);
    detector.hint(10_000);
    detector.beacon(10_200, INTERVAL, 1);
    expect(detector.hinted).toBe(true);
    detector.beacon(11_500, INTERVAL, 1);
    expect(detector.hinted).toBe(false);
  });
});
