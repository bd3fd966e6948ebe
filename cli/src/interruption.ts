/** Ctrl-C, and the other ways to ask a command to end. */
import { constants } from 'node:os';
import { Failure } from './failure.ts';

export const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Called with a failure that has the exit code, until disposed; the process goes on meanwhile. */
export function onInterrupt(listener: (failure: Failure) => void): Disposable {
  const interrupt = (signal: NodeJS.Signals): void => listener(new Failure('interrupted', 128 + constants.signals[signal]));
  for (const signal of INTERRUPTS) process.on(signal, interrupt);
  return {
    [Symbol.dispose]() {
      for (const signal of INTERRUPTS) process.off(signal, interrupt);
    },
  };
}
