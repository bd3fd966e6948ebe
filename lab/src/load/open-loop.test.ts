import { describe, expect, test } from 'vitest';
import type { LabClock } from '../clock.ts';
import { generatorSpeed } from './generator-speed.ts';
import { openLoop } from './open-loop.ts';

/** Time that passes only while somebody sleeps; whoever wakes first wakes first. */
class VirtualClock implements LabClock {
  #now = 0;
  readonly #sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  readonly now = (): number => this.#now;
  readonly monotonic = (): number => this.#now;
  readonly timeout = (): AbortSignal => new AbortController().signal;

  async sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sleepers.push({ at: this.#now + ms, wake: resolve });
    setImmediate(() => this.#next());
    await promise;
  }

  /** Something that keeps everybody else from their turn. */
  block(ms: number): void {
    this.#now += ms;
  }

  #next(): void {
    const first = this.#sleepers.toSorted((a, b) => a.at - b.at)[0];
    if (!first) return;
    this.#sleepers.splice(this.#sleepers.indexOf(first), 1);
    this.#now = Math.max(this.#now, first.at);
    first.wake();
  }
}

const stop = new AbortController().signal;

describe('on virtual time', () => {
  test('operations begin when they are due, however long each takes', async () => {
    const clock = new VirtualClock();
    const begun: number[] = [];
    const act = async (): Promise<void> => {
      begun.push(clock.monotonic());
      await clock.sleep(1_000);
    };
    const offered = await openLoop(act, { clock, rate: 100, count: 50, stop });
    expect(begun).toEqual(Array.from({ length: 50 }, (_, n) => n * 10));
    expect(offered).toMatchObject({ planned: 50, offered: 50, late: 0, held_back: 0, latency_max_ms: 1_000 });
    expect(offered.offered_per_second).toBeGreaterThanOrEqual(100);
  });

  test('a target that stands still for two seconds is charged for all that it kept waiting', async () => {
    const clock = new VirtualClock();
    let free = 0;
    // It serves one after the other, 1 ms each, and stops once for two seconds.
    const act = async (n: number): Promise<void> => {
      free = Math.max(free, clock.monotonic()) + (n === 100 ? 2_000 : 1);
      await clock.sleep(free - clock.monotonic());
    };
    const offered = await openLoop(act, { clock, rate: 100, count: 400, stop });
    expect(offered).toMatchObject({ late: 0, held_back: 0 });
    expect(offered.latency_p50_ms).toBeGreaterThan(50);
    expect(offered.latency_p99_ms).toBeGreaterThan(1_500);
  });

  test('so it is where the generator had to stop for it, which is no shortfall of the generator', async () => {
    const clock = new VirtualClock();
    const act = async (n: number): Promise<void> => clock.sleep(n < 10 ? 3_000 : 1);
    const offered = await openLoop(act, { clock, rate: 100, count: 100, stop, mostWaiting: 10 });
    expect(offered).toMatchObject({ offered: 100, late: 0, worst_late_ms: 0 });
    expect(offered.held_back).toBeGreaterThan(80);
    expect(offered.latency_p99_ms).toBeGreaterThan(2_500);
  });

  test('what the generator does not begin in time is its own shortfall', async () => {
    const clock = new VirtualClock();
    const act = async (n: number): Promise<void> => {
      if (n === 50) clock.block(500);
    };
    const offered = await openLoop(act, { clock, rate: 100, count: 200, stop });
    expect(offered).toMatchObject({ offered: 200, held_back: 0, worst_late_ms: 490 });
    expect(offered.late).toBe(39);
  });

  test('told to stop, it says how many were due, and waits for those under way', async () => {
    const clock = new VirtualClock();
    const over = new AbortController();
    let ended = 0;
    const act = async (n: number): Promise<void> => {
      if (n === 19) over.abort();
      await clock.sleep(50);
      ended++;
    };
    const offered = await openLoop(act, { clock, rate: 100, stop: over.signal });
    expect([offered.planned, offered.offered, ended]).toEqual([20, 20, 20]);
  });

  test('an operation that throws ends the loop with its error, once all have ended', async () => {
    const clock = new VirtualClock();
    const act = async (n: number): Promise<void> => {
      if (n === 3) throw new Error('three');
    };
    await expect(openLoop(act, { clock, rate: 100, count: 10, stop })).rejects.toThrow('three');
  });

  test('a rate of nothing is refused', async () => {
    await expect(openLoop(async () => {}, { clock: new VirtualClock(), rate: 0, stop })).rejects.toThrow(RangeError);
  });
});

test('20,000 recorded operations a second leave a processor time to spare', async () => {
  const { offered, cpuMicrosPerOperation } = await generatorSpeed(20_000, 20_000);
  expect(offered.offered).toBe(20_000);
  // Processor time, as others use the machine too: 50 µs each would be all that a second has.
  expect(cpuMicrosPerOperation).toBeLessThan(50);
});
