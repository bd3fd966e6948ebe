/** Time. Services never touch `Date` or timers, so that the same code runs on virtual time. */
export interface Clock {
  /** wall clock, Unix ms */
  now(): number;
  /** ms since an arbitrary start; never goes back */
  monotonic(): number;
  /** runs `task` once after `ms`, unless disposed before */
  after(ms: number, task: () => void): Disposable;
  /** runs `task` every `ms`, first after `ms`, until disposed */
  every(ms: number, task: () => void): Disposable;
  /** resolves after `ms`; rejects with the signal's reason when aborted */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
