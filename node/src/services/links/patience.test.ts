import { expect, test } from 'vitest';
import { HandClock } from '../../testing/hand-clock.ts';
import { patience } from './patience.ts';

/** A process of which each turn takes so long that timers come late. */
async function turnsUntilLost(turnMs: number, ms: number): Promise<number> {
  const clock = new HandClock();
  const due: { at: number; task: () => void }[] = [];
  const late = Object.assign(Object.create(clock) as HandClock, {
    after: (wait: number, task: () => void): Disposable => {
      const entry = { at: clock.monotonic() + wait, task };
      due.push(entry);
      return { [Symbol.dispose]: () => void due.splice(due.indexOf(entry), 1) };
    },
  });
  patience(late, ms, () => {});
  let turns = 0;
  for (; due.length > 0; turns++) {
    await clock.pass(turnMs);
    for (const entry of due.splice(0)) {
      if (entry.at <= clock.monotonic()) entry.task();
      else due.push(entry);
    }
  }
  return turns;
}

test('patience ends after its time, and a busy process gets turns to read in before', async () => {
  expect(await turnsUntilLost(50, 3_500)).toBe(70);
  expect(await turnsUntilLost(2_000, 3_500)).toBe(14);
});

test('disposed, it never ends', async () => {
  const clock = new HandClock();
  let lost = false;
  const waiting = patience(clock, 1_000, () => (lost = true));
  await clock.pass(900);
  waiting[Symbol.dispose]();
  await clock.pass(5_000);
  expect(lost).toBe(false);
});
