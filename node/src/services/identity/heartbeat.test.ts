/** When an agent says that it is still there, on virtual time. */
import { ANNOUNCE_TOPIC } from '@muster/protocol';
import { expect, test } from 'vitest';
import { HandClock } from '../../testing/hand-clock.ts';
import { type AnnouncementParts, Announcements } from './announcements.ts';

const HEARTBEAT_MS = 300_000;
/** announcements after joining come before them */
const JOINED_MS = 10_000;

/** When each of the nodes announces itself, of those that start at once. */
async function announced(nodes: number, passing: number, crowd = 0, turn = (): number => 0, crowded = false): Promise<number[][]> {
  const clock = new HandClock();
  const disposed: Disposable = { [Symbol.dispose]: () => undefined };
  const each = Array.from({ length: nodes }, (_, node) => {
    const times: number[] = [];
    let draws = 0;
    const announcements = new Announcements({
      identity: { agentId: node.toString(16).padStart(64, '0'), kemKey: { publicKey: new Uint8Array(1_184) }, machineId: 'ab'.repeat(32) },
      pubsub: {
        subscribe: () => disposed,
        guard: () => disposed,
        publish: async (topic: string) => void (topic === ANNOUNCE_TOPIC && times.push(clock.monotonic())),
      },
      links: { on: () => undefined, size: 1 },
      clock,
      // Evenly spread: the golden ratio.
      random: { next: () => ((node + 1) * 0.618 + draws++ * 0.414) % 1 },
      addresses: () => [],
      crowd: () => crowd,
      crowded: () => crowded,
      turn,
      heartbeatMs: HEARTBEAT_MS,
      log: { write: () => undefined },
    } as unknown as AnnouncementParts);
    return { announcements, times };
  });
  for (const { announcements } of each) announcements.start();
  await clock.pass(passing);
  for (const { announcements } of each) announcements[Symbol.dispose]();
  return each.map(({ times }) => times);
}

test('who joins says so twice, but once where a crowd was heard by then, or comes just now', async () => {
  const first = 1_500 + 500 * 0.618;
  expect(await announced(1, JOINED_MS, 63)).toEqual([[first, 3_000]]);
  expect(await announced(1, JOINED_MS, 64)).toEqual([[first]]);
  expect(await announced(1, JOINED_MS, 0, () => 0, true)).toEqual([[first]]);
});

test('nodes that join in the same moment say so one after another, in half a second', async () => {
  const first = (await announced(20, 2_000)).map(([at]) => at!);
  expect([Math.min(...first) >= 1_500, Math.max(...first) <= 2_000]).toEqual([true, true]);
  expect(new Set(first.map((at) => Math.floor(at / 100))).size).toBe(5);
});

test('where many come at once a node says so when its turn comes, and once', async () => {
  expect(await announced(1, 20_000, 0, () => 5_000, true)).toEqual([[]]);
  const waits = [4_000, 6_000];
  expect(await announced(1, 20_000, 0, () => waits.shift() ?? 0, true)).toEqual([[1_500 + 500 * 0.618 + 10_000]]);
});

test('heartbeats of nodes that started together spread over a fifth of the interval, and come no later than a tenth after it', async () => {
  const all = (await announced(20, 6 * HEARTBEAT_MS)).map((times) => times.filter((at) => at > JOINED_MS));
  const first = all.map(([at]) => at!);
  expect(Math.min(...first)).toBeGreaterThanOrEqual(0.9 * HEARTBEAT_MS);
  expect(Math.max(...first)).toBeLessThanOrEqual(1.1 * HEARTBEAT_MS);
  // No tenth of that fifth has more than a few of them.
  const crowds = Map.groupBy(first, (at) => Math.floor(((at / HEARTBEAT_MS - 0.9) / 0.2) * 10));
  expect(crowds.size).toBeGreaterThanOrEqual(8);
  for (const times of all)
    for (const [index, at] of times.slice(1).entries()) {
      expect(at - times[index]!).toBeGreaterThanOrEqual(0.9 * HEARTBEAT_MS);
      expect(at - times[index]!).toBeLessThanOrEqual(1.1 * HEARTBEAT_MS);
    }
  // Each interval is drawn anew: who meets once does not meet for ever.
  expect(new Set(all[0]!.slice(1).map((at, index) => Math.round(at - all[0]![index]!))).size).toBeGreaterThan(2);
});
