/** First words of a crowd, on virtual time. */
import type { AgentId } from '@muster/protocol';
import { expect, test } from 'vitest';
import { HandClock } from '../../testing/hand-clock.ts';
import { Newcomers } from './newcomers.ts';

const agent = (index: number): AgentId => index.toString(16).padStart(64, '0') as AgentId;

/** When each of so many that come at once says its first word, in seconds; what one says all others hear at once. */
async function firstWords(nodes: number): Promise<number[]> {
  const clock = new HandClock();
  const times: number[] = [];
  let draws = 0;
  // Evenly spread: the golden ratio.
  const random = { next: () => (draws++ * 0.618_034) % 1 };
  const all = Array.from({ length: nodes }, () => new Newcomers(clock, random));
  const speak = (index: number): void => {
    const wait = all[index]!.turn();
    if (wait > 0) return void clock.after(wait, () => speak(index));
    times.push(clock.monotonic() / 1_000);
    for (const [other, one] of all.entries()) if (other !== index) one.heard(agent(index));
  };
  for (const index of all.keys()) clock.after(1_500 + random.next() * 500, () => speak(index));
  await clock.pass(120_000);
  return times;
}

test('a hundred who come together speak at once', async () => {
  const times = await firstWords(100);
  expect([times.length, Math.max(...times) <= 2]).toEqual([100, true]);
});

test('of five hundred who come together everybody hears about a hundred in ten seconds, until all have spoken', async () => {
  const times = await firstWords(500);
  expect(times).toHaveLength(500);
  for (let from = 0; from < 90; from += 5) expect(times.filter((at) => at >= from && at < from + 10).length).toBeLessThanOrEqual(101);
  expect(times.at(-1)).toBeGreaterThan(30);
  expect(times.at(-1)).toBeLessThanOrEqual(115);
});

test('one agent that begins again and again is no crowd, a hundred agents are', () => {
  const newcomers = new Newcomers(new HandClock(), { next: () => 0.5 });
  for (let times = 0; times < 1_000; times++) newcomers.heard(agent(0));
  for (let index = 0; index < 99; index++) newcomers.heard(agent(index));
  expect(newcomers.turn()).toBe(0);
  newcomers.heard(agent(99));
  expect(newcomers.turn()).toBe(10_000);
});
