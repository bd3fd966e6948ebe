import { describe, expect, it } from 'vitest';
import type { Clock } from '../ports/index.ts';

export interface ClockUnderTest {
  readonly clock: Clock;
  /** lets at least `ms` of the clock's time pass */
  pass(ms: number): Promise<void>;
}

/** What every clock must do, the system's and a virtual one. */
export function clockPortTest(makeClock: () => ClockUnderTest): void {
  describe('clock port', () => {
    it('moves on, by about as much as was slept', async () => {
      const { clock, pass } = makeClock();
      const [wall, start] = [clock.now(), clock.monotonic()];
      const slept = clock.sleep(30);
      await pass(40);
      await slept;
      // Node's timers may fire up to 1 ms early by the finer clock.
      expect(clock.monotonic() - start).toBeGreaterThanOrEqual(29);
      expect(clock.now() - wall).toBeGreaterThanOrEqual(28);
    });

    it('runs a task once, after those with a shorter delay', async () => {
      const { clock, pass } = makeClock();
      const ran: string[] = [];
      clock.after(30, () => ran.push('late'));
      clock.after(5, () => ran.push('early'));
      expect(ran).toEqual([]);
      await pass(80);
      expect(ran).toEqual(['early', 'late']);
    });

    it('runs a repeated task until it is disposed', async () => {
      const { clock, pass } = makeClock();
      let runs = 0;
      const repeated = clock.every(5, () => runs++);
      await pass(60);
      expect(runs).toBeGreaterThanOrEqual(2);
      repeated[Symbol.dispose]();
      const before = runs;
      await pass(30);
      expect(runs).toBe(before);
    });

    it('does not run a disposed task', async () => {
      const { clock, pass } = makeClock();
      let ran = false;
      {
        using _task = clock.after(5, () => (ran = true));
      }
      await pass(30);
      expect(ran).toBe(false);
    });

    it('ends a sleep with the reason of its signal, also when aborted before', async () => {
      const { clock, pass } = makeClock();
      const controller = new AbortController();
      const reason = new Error('enough');
      const slept = clock.sleep(60_000, controller.signal).catch((error: unknown) => error);
      controller.abort(reason);
      await pass(1);
      expect(await slept).toBe(reason);
      await expect(clock.sleep(1, controller.signal)).rejects.toBe(reason);
    });
  });
}
