import type { Beacon, MachineId } from '@muster/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { HandClock } from '../../testing/hand-clock.ts';
import { OwnBeacons } from './own-beacons.ts';

function beaconsIn(crowd: number, interval = 30_000, turn = (): number => 0) {
  const clock = new HandClock();
  const said: (Beacon & { readonly at: number })[] = [];
  const own = new OwnBeacons({
    machine: 'ab'.repeat(32) as MachineId,
    clock,
    random: { next: () => 0.5 },
    interval,
    crowd: () => crowd,
    turn,
    addresses: () => [],
    say: async (beacon) => void said.push({ ...beacon, at: clock.monotonic() }),
  });
  onTestFinished(() => own[Symbol.dispose]());
  return { clock, own, said };
}

/** the first beacon that a link asked for, and no earlier */
const FIRST_MS = 1_500;

test('the first one waits until neighbours are found, but not for those who ask', async () => {
  const { clock, own, said } = beaconsIn(30);
  own.welcome(0);
  await clock.pass(FIRST_MS - 1);
  expect(said).toHaveLength(0);
  await clock.pass(1);
  expect(said).toHaveLength(1);
  const another = beaconsIn(30);
  another.own.welcome(0);
  another.own.asked();
  await another.clock.pass(1);
  expect(another.said).toHaveLength(1);
});

test('where many come at once the first one listens again until its turn comes, and the others do not', async () => {
  const waits = [7_000, 5_000, 0];
  const { clock, own, said } = beaconsIn(200, 30_000, () => waits.shift() ?? 9_000);
  own.start();
  // Links and newcomers meanwhile do not have it listen more often.
  for (let second = 0; second < 15; second++) {
    await clock.pass(1_000);
    if (second >= 3) own.welcome(500);
  }
  expect(said.map(({ at }) => at)).toEqual([15_000]);
  own.asked();
  await clock.pass(1_000);
  expect(said).toHaveLength(2);
});

test('who asks for the first one is answered out of turn', async () => {
  for (const askedAt of [2_999, 5_000]) {
    const { clock, own, said } = beaconsIn(200, 30_000, () => 9_000);
    own.start();
    await clock.pass(askedAt);
    own.asked();
    await clock.pass(1);
    expect(said.map(({ at }) => at)).toEqual([askedAt]);
  }
});

test('after joining a second one is left out in a crowd, which has the first one from its neighbours', async () => {
  for (const [crowd, count] of [
    [32, 2],
    [33, 1],
  ] as const) {
    const { clock, own, said } = beaconsIn(crowd);
    own.start();
    own.welcome(0);
    await clock.pass(5_000);
    expect(said).toHaveLength(count);
  }
});

test('each beacon says by when the next one comes, and it comes by then', async () => {
  const { clock, own, said } = beaconsIn(10);
  own.start();
  await clock.pass(40_000);
  own.asked();
  await clock.pass(100_000);
  expect(said.length).toBeGreaterThan(4);
  for (const [index, { at }] of said.entries()) if (index > 0) expect(at - said[index - 1]!.at).toBeLessThanOrEqual(said[index - 1]!.interval);
});

test('in a crowd beacons come less often, but never less than the protocol allows, and who asks is answered at once', async () => {
  for (const [crowd, interval] of [
    [120, 30_000],
    [200, 50_000],
    [10_000, 100_000],
  ] as const) {
    const { clock, own, said } = beaconsIn(crowd);
    own.start();
    await clock.pass(3_000 + 3 * interval);
    expect(said.map(({ at }) => at)).toEqual([3_000, 3_000 + interval, 3_000 + 2 * interval, 3_000 + 3 * interval]);
    expect(said[0]!.interval).toBe(interval);
    await clock.pass(2_000);
    own.asked();
    await clock.pass(1);
    expect(said.at(-1)!.at).toBe(5_000 + 3 * interval);
  }
});

test('newcomers are welcomed by few of a crowd at a time: each of four hundred waits 50 s between two', async () => {
  for (const [crowd, gap] of [
    [32, 2_000],
    [400, 50_000],
  ] as const) {
    const { clock, own, said } = beaconsIn(crowd);
    own.welcome(0);
    await clock.pass(FIRST_MS);
    const begun = clock.now();
    for (let turn = 0; turn < 20; turn++) own.welcome(0, begun);
    await clock.pass(gap - 2);
    expect(said).toHaveLength(1);
    await clock.pass(2);
    expect(said).toHaveLength(2);
  }
});

test('whoever was there already when the last beacon went out has it from neighbours, and needs no other so soon', async () => {
  const { clock, own, said } = beaconsIn(5);
  own.welcome(0);
  await clock.pass(FIRST_MS - 1);
  const begun = clock.now();
  await clock.pass(1);
  for (const there of [begun, undefined]) own.welcome(0, there);
  await clock.pass(4_998);
  expect(said).toHaveLength(1);
  await clock.pass(2);
  expect(said).toHaveLength(2);
});
