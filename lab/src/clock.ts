/** Time as the lab and its scenarios see it: the real one here, virtual in a simulated world. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface LabClock {
  /** wall clock, Unix ms */
  now(): number;
  /** ms since an arbitrary start; never goes back */
  monotonic(): number;
  /** resolves after `ms`; rejects with the signal's reason when aborted */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** aborted after `ms`, with a `TimeoutError` */
  timeout(ms: number): AbortSignal;
}

export const systemClock: LabClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timeout: (ms) => AbortSignal.timeout(ms),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    try {
      await sleep(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
