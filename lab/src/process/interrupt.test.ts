import { expect, test } from 'vitest';
import { Interrupted, listenForInterrupt } from './interrupt.ts';

/** Delivers a signal to the listeners of this process without the system's help. */
function deliver(signal: NodeJS.Signals): void {
  process.emit(signal, signal);
}

test('the first signal asks for an end, a quick repeat changes nothing, a later one forces', () => {
  let now = 0;
  const forced: number[] = [];
  using interrupt = listenForInterrupt(() => now, (code) => forced.push(code)); // prettier-ignore
  expect(interrupt.signal.aborted).toBe(false);
  deliver('SIGINT');
  expect(interrupt.signal.reason).toBeInstanceOf(Interrupted);
  expect((interrupt.signal.reason as Interrupted).exitCode).toBe(130);
  now = 900;
  deliver('SIGINT');
  expect(forced).toEqual([]);
  now = 1100;
  deliver('SIGHUP');
  expect(forced).toEqual([129]);
});

test('a disposed listener leaves signals to their defaults', () => {
  const before = process.listenerCount('SIGTERM');
  listenForInterrupt(() => 0)[Symbol.dispose]();
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
