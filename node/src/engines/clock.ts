import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../ports/index.ts';

/** Longest delay of a Node timer; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * The system's clock. `after` and `every` do not keep the process alive (a daemon lives by its listeners), `sleep` does: somebody awaits it.
 * Delays beyond 24.8 days are cut to that.
 */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(ms, task) {
      const timer = setTimeout(task, Math.min(ms, LONGEST_MS)).unref();
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
    every(ms, task) {
      const timer = setInterval(task, Math.min(ms, LONGEST_MS)).unref();
      return { [Symbol.dispose]: () => clearInterval(timer) };
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      try {
        await delay(Math.min(ms, LONGEST_MS), undefined, { signal });
      } catch (error) {
        // Node rejects with an AbortError of its own; the port promises the signal's reason.
        signal?.throwIfAborted();
        throw error;
      }
    },
  };
}
