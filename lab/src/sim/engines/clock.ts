/** A node's clock on virtual time: it may stand wrong and run wrong. */
import type { Clock } from '@muster/node';
import type { LabClock } from '../../clock.ts';
import type { Life } from '../life.ts';
import type { Schedule } from '../schedule.ts';

/** wall time at which every simulation begins: 2026-01-01T00:00:00Z */
export const EPOCH = Date.UTC(2026, 0, 1);

/** as the timers of a real process */
const SHORTEST_MS = 1;

/** How a machine's clock differs from the truth; the monotonic clock drifts as well, but is never set. */
export interface ClockError {
  /** ms that the wall clock is ahead */
  skew: number;
  /** parts per million that it runs too fast */
  readonly driftPpm: number;
  /** the wall clock alone runs too fast by so much since then, virtual ms */
  wander?: { readonly since: number; readonly ppm: number };
}

/** Of one life of a node: its timers end with it. */
export function simulatedClock(schedule: Schedule, life: Life, error: ClockError = { skew: 0, driftPpm: 0 }): Clock {
  const rate = 1 + error.driftPpm / 1e6;
  const wandered = (): number => (error.wander ? ((life.now - error.wander.since) * error.wander.ppm) / 1e6 : 0);
  const bornAt = schedule.now;
  const dueIn = (ms: number): number => life.now + Math.max(SHORTEST_MS, ms) / rate;
  const after = (ms: number, task: () => void): Disposable => schedule.at(dueIn(ms), task, life);
  return {
    now: () => Math.floor(EPOCH + life.now * rate + error.skew + wandered()),
    monotonic: () => (life.now - bornAt) * rate,
    after,
    every(ms, task) {
      const due = schedule.at(
        dueIn(ms),
        () => {
          schedule.again(due, dueIn(ms));
          task();
        },
        life,
      );
      return due;
    },
    sleep: (ms, signal) => sleep((task) => after(ms, task), signal),
  };
}

/** The true time, for who drives the simulation: it passes while somebody sleeps. */
export function driverClock(schedule: Schedule): LabClock {
  return {
    now: () => Math.floor(EPOCH + schedule.now),
    monotonic: () => schedule.now,
    async sleep(ms, signal) {
      using _wait = schedule.wait();
      await sleep((task) => schedule.at(schedule.now + ms, task), signal);
    },
    timeout(ms) {
      const controller = new AbortController();
      schedule.at(schedule.now + ms, () => controller.abort(new DOMException(`not within ${ms} ms`, 'TimeoutError')));
      return controller.signal;
    },
  };
}

async function sleep(after: (task: () => void) => Disposable, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  using _timer = after(resolve);
  const abort = (): void => reject(signal!.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await promise;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
