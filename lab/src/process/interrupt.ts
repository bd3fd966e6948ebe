/** Turns Ctrl-C and its relatives into an orderly end. */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A launcher and a terminal may both deliver the same Ctrl-C: repeats within this time are the same wish. */
export const SAME_INTERRUPT_MS = 1000;

export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** conventional exit status: 128 + signal number */
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

export interface Interrupt extends Disposable {
  /** aborted with an `Interrupted` by the first signal; whoever waits on it should clean up and end */
  readonly signal: AbortSignal;
}

/** Listens until disposed. A signal that comes more than a second after the first ends the process at once; the reaper does the rest. */
export function listenForInterrupt(monotonic: () => number, force: (code: number) => void = (code) => process.exit(code)): Interrupt {
  const controller = new AbortController();
  let first: number | undefined;
  const listener = (signal: NodeJS.Signals): void => {
    if (first === undefined) {
      first = monotonic();
      controller.abort(new Interrupted(signal));
    } else if (monotonic() - first > SAME_INTERRUPT_MS) {
      force(128 + constants.signals[signal]);
    }
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.off(signal, listener);
    },
  };
}
