/** What a node keeps for neighbours that were away, and what it still knows of the rest. */
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { History } from './history.ts';
import { FINE_SLOT_MS } from './limits.ts';

const [KEPT, KEPT_INTERNAL, MAX_EMPTY_SHELVES] = [50, 10, 4];
vi.mock(import('./limits.ts'), async (limits) => ({ ...(await limits()), KEPT: 50, KEPT_INTERNAL: 10, MAX_EMPTY_SHELVES: 4 }));

const DAY = 86_400_000;
let count = 0;

function add(to: History<undefined>, topic: string, at: number, { internal = false, expires = DAY, own = false } = {}): string {
  const id = `${count++}`;
  to.add({ item: { id, topic, issued: at, expires, size: 1, internal, content: undefined }, at, from: own ? undefined : 'peer', pulled: false });
  return id;
}

test('what nodes tell of themselves takes no room from what users say', () => {
  const history = new History<undefined>();
  const ids = Array.from({ length: KEPT }, (_, index) => add(history, 't', index));
  for (let index = 0; index < 5 * KEPT; index++) add(history, 'presence', KEPT + index, { internal: true });
  expect(history.since('t', 0, 0)).toEqual({ ids, missed: 0 });
  expect(history.since('presence', 0, 0).ids).toHaveLength(KEPT_INTERNAL);
  expect(history.bytes).toBe(KEPT + KEPT_INTERNAL);
});

test('how much there was of a topic is known when all of it is gone, for a bounded number of topics', () => {
  const history = new History<undefined>();
  for (let index = 0; index < 10; index++) add(history, 'early', index);
  for (let index = 0; index < KEPT; index++) add(history, 'much', 1_000 + index);
  expect(history.since('early', 0, 0)).toEqual({ ids: [], missed: 10 });
  expect(history.has('early', 0)).toBe(true);
  expect(history.has('early', 500)).toBe(false);
  for (let topic = 0; topic < MAX_EMPTY_SHELVES; topic++) add(history, `other ${topic}`, 2_000);
  for (let index = 0; index < KEPT; index++) add(history, 'more', 3_000 + index);
  expect(history.since('early', 0, 0)).toEqual({ ids: [], missed: 0 });
});

test('what goes stale before anyone can take it is counted, and not told', () => {
  const history = new History<undefined>();
  add(history, 't', 0, { expires: 1_000 });
  const fresh = add(history, 't', 1);
  expect(history.since('t', 0, 60_000)).toEqual({ ids: [fresh], missed: 1 });
});

test('what came here counts without what we said ourselves after the link was last sound', () => {
  const history = new History<undefined>();
  for (const at of [1_000, 2_000, 3_000]) {
    add(history, 't', at);
    add(history, 't', at + 500, { own: true });
  }
  expect(history.arrived('t', 2_000, 2_600)).toBe(3);
});

test('nobody is told of more than is gone, nor of less but for what came in the same quarter of a second as the moment in question', () => {
  const pauses = fc.array(fc.oneof(fc.nat(20), fc.nat(400), fc.nat(100_000)), { minLength: 1, maxLength: 300 });
  const law = fc.property(pauses, fc.nat(1_000), (gaps, share) => {
    const history = new History<undefined>();
    const came: number[] = [];
    for (const gap of gaps) {
      came.push((came.at(-1) ?? 0) + gap);
      add(history, 't', came.at(-1)!);
    }
    const since = came[Math.floor((share / 1_001) * came.length)]!;
    const later = came.filter((at) => at >= since);
    const { ids, missed } = history.since('t', since, 0);
    const gone = later.length - ids.length;
    const unsure = later.filter((at) => Math.floor(at / FINE_SLOT_MS) === Math.floor(since / FINE_SLOT_MS)).length - 1;
    expect(missed).toBeLessThanOrEqual(gone);
    expect(missed).toBeGreaterThanOrEqual(gone - unsure);
  });
  fc.assert(law, { seed: 20261121, numRuns: 200 });
});
