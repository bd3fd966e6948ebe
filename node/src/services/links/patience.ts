import type { Clock } from '../../ports/index.ts';

const STEP_MS = 250;

/**
 * Runs `task` once after `ms`, unless disposed before. Counted in steps, not by the clock: a process that was held up reads what came meanwhile before
 * it loses patience with a peer.
 */
export function patience(clock: Clock, ms: number, task: () => void): Disposable {
  let left = Math.ceil(ms / STEP_MS);
  let timer: Disposable;
  const wait = (): void => {
    timer = clock.after(ms / Math.ceil(ms / STEP_MS), () => (--left > 0 ? wait() : task()));
  };
  wait();
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
