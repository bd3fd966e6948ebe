import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Chance } from '../chance.ts';
import { driverClock } from '../engines/clock.ts';
import { Schedule } from '../schedule.ts';
import { Trace } from '../trace.ts';
import { Flow } from './flow.ts';
import { type Host, Network } from './network.ts';
import { LOCAL_NETWORK, type NetworkProfile } from './quality.ts';

const SEED = 20261121;

function path(seed: string, profile: Partial<NetworkProfile> = {}) {
  const trace = new Trace();
  const schedule = new Schedule(trace);
  const network = new Network(schedule, new Chance(seed), { ...LOCAL_NETWORK, ...profile }, trace);
  const [from, to] = [network.host(), network.host()];
  const got: number[] = [];
  const at: number[] = [];
  const arrived = (what: Uint8Array | 'end' | 'reset'): boolean => {
    if (typeof what === 'string') return true;
    got.push(...what);
    at.push(schedule.now);
    return true;
  };
  const flow = new Flow(network, from, to, { sendsAt: () => schedule.now, arrived, severed: () => {}, taken: () => {} });
  return { schedule, network, from, to, flow, got, at, clock: driverClock(schedule) };
}

test('whatever the path does to packets, what was sent arrives in order and once, after it was sent', async () => {
  const probability = fc.double({ min: 0, max: 0.4, noNaN: true });
  await fc.assert(
    fc.asyncProperty(
      fc.record({ loss: probability, duplication: probability, reordering: probability, jitterMs: fc.nat(50) }),
      fc.array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 5 }), fc.nat(30)), { maxLength: 15 }),
      fc.string(),
      async (profile, writes, seed) => {
        const { flow, clock, got, at, network } = path(seed, profile);
        const sentAt: number[] = [];
        for (const [bytes, pause] of writes) {
          flow.push(bytes);
          sentAt.push(clock.monotonic());
          await clock.sleep(pause);
        }
        await clock.sleep(600_000);
        expect(got).toEqual(writes.flatMap(([bytes]) => [...bytes]));
        for (const [index, time] of at.entries()) expect(time).toBeGreaterThanOrEqual(sentAt[index]!);
        expect(network.counts.sent).toBe(network.counts.delivered + network.counts.lost);
      },
    ),
    { seed: SEED, numRuns: 60 },
  );
});

test('nothing passes a blocked path, the other direction does, and what waited arrives after the heal', async () => {
  const { flow, clock, got, network, from, to } = path('block');
  const oneWay = network.block((a: Host, b: Host) => a === from && b === to);
  flow.push(Uint8Array.of(1, 2));
  await clock.sleep(5_000);
  expect([got, network.reaches(to, from), network.counts.blocked > 2]).toEqual([[], true, true]);
  oneWay[Symbol.dispose]();
  await clock.sleep(10_000);
  expect(got).toEqual([1, 2]);
});

test('what waits to be sent again to one that is cut off does not keep the line from others', async () => {
  const { flow, clock, network, from, schedule } = path('busy');
  network.way(from, network.at('2.1.0.1')!).cut = true;
  flow.push(Uint8Array.of(1));
  await clock.sleep(20_000);
  expect(network.send(from, network.host(), 100, schedule.now).arrives).toBeLessThan(schedule.now + 1);
});

test('a message that is severed arrives by half, and is the last', async () => {
  const { flow, clock, got, network, from, to } = path('severed');
  network.way(from, to).severFrom = 4;
  flow.push(Uint8Array.of(1, 2, 3));
  flow.push(Uint8Array.of(4, 5, 6, 7));
  await clock.sleep(1_000);
  expect([got, network.way(from, to).severed]).toEqual([[1, 2, 3, 4, 5], { passed: 2, lost: 2 }]);
});

test('a line takes as long as its bandwidth says, and distance adds to it', async () => {
  const { flow, clock, at } = path('bandwidth', { bytesPerSecond: 100_000, latencyMs: [[40]], jitterMs: 0 });
  flow.push(new Uint8Array(50_000));
  await clock.sleep(2_000);
  expect(at[0]).toBeCloseTo(540, 0);
});

test('what travels twice takes the line twice', async () => {
  const { flow, clock, at } = path('twice', { bytesPerSecond: 100_000, latencyMs: [[40]], jitterMs: 0, duplication: 1 });
  flow.push(new Uint8Array(50_000));
  await clock.sleep(2_000);
  expect(at[0]).toBeCloseTo(1_040, 0);
});

test('what is written in pieces at one time takes as long as in one', async () => {
  const { flow, clock, at } = path('pieces', { bytesPerSecond: 100_000, latencyMs: [[40]], jitterMs: 0 });
  for (let piece = 0; piece < 5; piece++) flow.push(new Uint8Array(10_000));
  await clock.sleep(2_000);
  expect(at.at(-1)).toBeCloseTo(540, 0);
});

test('what is lost, doubled and overtaken is as often as the profile says', () => {
  const { network, from, to } = path('rates', { loss: 0.1, duplication: 0.05, reordering: 0.2 });
  for (let packet = 0; packet < 20_000; packet++) network.send(from, to, 100, packet);
  const { lost, duplicated, reordered } = network.counts;
  // Four standard deviations.
  expect(Math.abs(lost - 2_000)).toBeLessThan(170);
  expect(Math.abs(duplicated - 1_000)).toBeLessThan(124);
  expect(Math.abs(reordered - 4_000)).toBeLessThan(227);
});

test('what is said of single paths holds there and as long as it is said', () => {
  const { network, from, to } = path('quality');
  using _bad = network.degrade((a) => (a === from ? { loss: 1 } : undefined));
  expect([network.send(from, to, 10, 0).lost, network.send(to, from, 10, 0).lost]).toEqual([true, false]);
  _bad[Symbol.dispose]();
  expect(network.send(from, to, 10, 0).lost).toBe(false);
});
