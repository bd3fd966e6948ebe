/** Whom a node believes that a message is gone, and how much of that it remembers. */
import type { MachineId } from '@muster/protocol';
import { expect, test, vi } from 'vitest';
import { Gaps } from './gaps.ts';
import { History } from './history.ts';
import type { Lazy } from './lazy.ts';
import { modelRoots } from './model-network.test-helper.ts';
import { Topic } from './topic.ts';
import { Step } from './types.ts';

const [MAX_DROPPED, MISSABLE_PER_S, MISSABLE] = [700, 100, 10_000];
vi.mock(import('./limits.ts'), async (limits) => ({ ...(await limits()), MAX_DROPPED: 700, MISSABLE_PER_S: 100, MISSABLE: 10_000 }));

const id = (number: number): string => number.toString(16).padStart(64, '0');
const [self, asked, child, parent, other] = [1, 2, 3, 4, 5].map(id) as [MachineId, MachineId, MachineId, MachineId, MachineId];

/** A node that asked `asked` what it missed since 1,000, has `child` and `parent` in the tree of the topic, and `other` beside it. */
function listener() {
  const step = new Step<unknown>({ self, random: () => 0, epoch: 0, seen: () => false, siteOf: () => undefined, roots: modelRoots });
  step.now = 10_000;
  step.wall = 1_000_000;
  const topic = new Topic('t', 0);
  topic.subscribedAt = step.wall - 9_500;
  for (const peer of [asked, child, parent, other]) topic.link(peer).in = true;
  Object.assign(topic.link(child), { asks: 1 << topic.backbone, behindSince: 0 });
  topic.link(parent).told = 1 << topic.backbone;
  topic.doubt(1_000);
  topic.ask(asked, step.now);
  const known = new Set<string>();
  const holders = new Map<string, MachineId[]>();
  const blamed: MachineId[] = [];
  const gaps = new Gaps(step, {
    history: new History<unknown>(),
    lazy: () => ({ withdraw: () => {}, note: () => {}, holders: (message: string) => holders.get(message) ?? [] }) as unknown as Lazy,
    topic: (name) => (name === 't' ? topic : undefined),
    known: (message) => known.has(message),
    blame: (peer) => void blamed.push(peer),
    isParent: (_topic, peer) => peer === parent,
  });
  const hear = (from: MachineId, numbers: readonly number[], { age = 100, older = 0, topic: name = 't' } = {}): void =>
    gaps.heard(from, { kind: 'gone', topic: name, messages: numbers.map((number) => ({ id: id(number), age })), older });
  const wait = (ms: number) => {
    step.effects = [];
    step.now += ms;
    step.wall += ms;
    gaps.tick();
    gaps.tick();
    return {
      missed: step.effects.flatMap((effect) => (effect.kind === 'missed' ? [effect.count] : [])),
      told: step.effects.flatMap(({ ...effect }) =>
        effect.kind === 'send' && effect.control.kind === 'gone'
          ? [{ peer: effect.peer, ids: effect.control.messages.length, older: effect.control.older }]
          : [],
      ),
    };
  };
  return { gaps, topic, known, holders, blamed, hear, wait };
}

test('what comes after all, or may come yet, is not told as missed', () => {
  const { known, holders, hear, wait } = listener();
  hear(asked, [11, 12, 13, 14]);
  hear(asked, [14]);
  known.add(id(12));
  holders.set(id(13), [other]);
  expect(wait(1_900).missed, 'another may have it').toEqual([]);
  expect(wait(200).missed).toEqual([2]);
  hear(asked, [11, 12]);
  holders.clear();
  expect(wait(2_000).missed, 'nothing is told twice').toEqual([1]);
});

test('nobody puts off what is to be told by saying it again, or saying nothing', () => {
  const { hear, wait } = listener();
  hear(asked, [11]);
  expect(wait(1_500).missed).toEqual([]);
  hear(parent, [11]);
  hear(parent, []);
  expect(wait(600).missed).toEqual([1]);
});

test('nor by making up what is gone, and what is said late has its time all the same', () => {
  const { known, hear, wait } = listener();
  hear(asked, [11]);
  const told: [count: number, after: number][] = [];
  for (let second = 1; second <= 20; second++) {
    hear(parent, [100 + second]);
    for (const count of wait(1_000).missed) told.push([count, second]);
  }
  expect(told[0], 'what was said up to 9 s').toEqual([1 + 10, 11]);
  wait(5_000);
  hear(asked, [12]);
  known.add(id(12));
  wait(30_000);
  hear(asked, [13]);
  expect([wait(1_900).missed, wait(200).missed], 'what came meanwhile is forgotten').toEqual([[], [1]]);
});

test('what was published before anyone here listened is missed by nobody here, and told those behind', () => {
  const { hear, wait } = listener();
  hear(asked, [11], { age: 9_600 });
  hear(asked, [12], { age: 9_400 });
  const { missed, told } = wait(2_000);
  expect(missed).toEqual([1]);
  expect(told).toEqual([
    { peer: child, ids: 2, older: 0 },
    { peer: parent, ids: 2, older: 0 },
  ]);
});

test('only those are believed that were asked or between whom the topic spreads', () => {
  const { hear, wait } = listener();
  hear(other, [11], { older: 5 });
  hear(id(9) as MachineId, [12]);
  hear(asked, [13], { topic: 'unknown' });
  expect(wait(2_000)).toEqual({ missed: [], told: [] });
  hear(child, [14]);
  hear(parent, [15]);
  expect(wait(2_000).missed).toEqual([2]);
});

test('what has no names counts once, from the first that says so, and goes down to those that missed it as well', () => {
  const { topic, hear, wait } = listener();
  hear(child, [], { older: 100 });
  expect(wait(2_000).missed, 'not from below').toEqual([]);
  hear(asked, [], { older: 7 });
  hear(asked, [], { older: 9 });
  topic.link(id(6) as MachineId).asks = 1 << topic.backbone;
  expect(wait(2_000)).toEqual({ missed: [7], told: [{ peer: child, ids: 0, older: 7 }] });
});

test('nobody can make a node remember more than a bounded number, nor send much at once', () => {
  const { gaps, hear, wait } = listener();
  for (let from = 1_000; from < 3_000; from += 500)
    hear(
      asked,
      Array.from({ length: 500 }, (_, index) => from + index),
    );
  const { missed, told } = wait(2_000);
  expect(missed).toEqual([MAX_DROPPED]);
  expect(told.map(({ peer, ids }) => [peer, ids])).toEqual([
    [child, 512],
    [parent, 512],
  ]);
  expect(wait(0).told.map(({ ids }) => ids)).toEqual([MAX_DROPPED - 512, MAX_DROPPED - 512]);
  gaps.tell(
    other,
    't',
    Array.from({ length: 2_000 }, (_, index) => [id(index), 5_000 - index] as const),
  );
  expect(gaps.down(other), 'since when it is to be told anew').toBe(5_000 - MAX_DROPPED + 1);
  expect(gaps.down(other)).toBe(Infinity);
});

test('a parent that says again and again that more is gone than there can have been is believed in what is possible, and puts nothing off', () => {
  const { hear, wait } = listener();
  const [seconds, possible] = [60, MAX_DROPPED + 70 * MISSABLE_PER_S];
  let [own, behind, names] = [0, 0, 1_000];
  for (let second = 0; second < seconds; second++) {
    hear(
      parent,
      Array.from({ length: 150 }, () => names++),
      { older: MISSABLE },
    );
    const { missed, told } = wait(1_000);
    for (const count of missed) own += count;
    for (const { peer, older } of told) if (peer === child) behind += older;
  }
  expect(own).toBeGreaterThan(possible - 5 * MISSABLE_PER_S);
  expect(own).toBeLessThanOrEqual(possible);
  expect(behind, 'nor is more passed on').toBeLessThan(own);
});

test('a count that cannot be is blamed on whoever says it, and what comes with it is not believed', () => {
  const { blamed, hear, wait } = listener();
  hear(parent, [11], { older: 3 });
  hear(parent, [12], { older: MISSABLE + 1 });
  expect([blamed, wait(2_000).missed]).toEqual([[parent], [4]]);
  hear(parent, [], { older: MISSABLE });
  expect(blamed).toHaveLength(1);
});

test('what was missed before a topic was taken up counts for those that it was taken up for', () => {
  const topic = new Topic('t', 100_000);
  topic.behind(0);
  expect(topic.countMissed(5_000, 100_000)).toBe(5_000);
});
