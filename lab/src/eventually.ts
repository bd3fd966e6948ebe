/** Waiting by condition: the only way anything here waits. */
import type { LabClock } from './clock.ts';

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

export interface Patience {
  /** ms until `DeadlineError` */
  readonly within: number;
  /** ms between two looks; 20 when not given */
  readonly every?: number;
  readonly signal?: AbortSignal | undefined;
  /** what is waited for, for the error's text */
  readonly what: string;
}

/**
 * Looks at `condition` until it yields something other than undefined or false, and resolves with that and the ms it took.
 * A condition that throws ends the wait: expected failures are for the condition to catch.
 */
export async function eventually<T>(
  clock: LabClock,
  condition: () => T | Promise<T>,
  { within, every = 20, signal, what }: Patience,
): Promise<{ value: Exclude<T, undefined | false>; ms: number }> {
  const start = clock.monotonic();
  for (;;) {
    signal?.throwIfAborted();
    const value = await condition();
    const ms = clock.monotonic() - start;
    if (value !== undefined && value !== false) return { value: value as Exclude<T, undefined | false>, ms };
    if (ms >= within) throw new DeadlineError(`${what}: not within ${within} ms`);
    await clock.sleep(Math.min(every, Math.max(1, within - ms)), signal);
  }
}
