/** What a node keeps for neighbours that were away, and what it still knows of the rest. */
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { History } from './history.ts';
import { DOUBT_MS, FINE_SLOT_MS } from './limits.ts';

const [KEPT, KEPT_INTERNAL, KEPT_BYTES, KEPT_INTERNAL_BYTES, MAX_EMPTY_SHELVES, MAX_DROPPED] = [50, 10, 1_000, 400, 4, 100];
vi.mock(import('./limits.ts'), async (limits) => ({
  ...(await limits()),
  KEPT: 50,
  KEPT_INTERNAL: 10,
  KEPT_BYTES: 1_000,
  KEPT_INTERNAL_BYTES: 400,
  MAX_EMPTY_SHELVES: 4,
  MAX_DROPPED: 100,
}));

const DAY = 86_400_000;
let count = 0;

function add(to: History<undefined>, topic: string, at: number, { internal = false, expires = DAY, size = 1 } = {}): string {
  const id = `${count++}`;
  to.add({ item: { id, topic, issued: at, expires, size, internal, content: undefined }, at, from: 'peer', pulled: false });
  return id;
}

test('what nodes tell of themselves takes no room from what users say', () => {
  const history = new History<undefined>();
  const ids = Array.from({ length: KEPT }, (_, index) => add(history, 't', index));
  for (let index = 0; index < 5 * KEPT; index++) add(history, 'presence', KEPT + index, { internal: true });
  expect(history.since('t', 0, 0)).toEqual(ids);
  expect(history.gone('t', 0, 0)).toEqual({ came: [], older: 0 });
  expect(history.since('presence', 0, 0)).toHaveLength(KEPT_INTERNAL);
  expect(history.gone('presence', 0, 0), 'and nobody misses it').toEqual({ came: [], older: 0 });
  expect(history.bytes).toBe(KEPT + KEPT_INTERNAL);
});

test('what is kept is bounded in bytes, what nodes tell of themselves apart: neither pushes the other out', () => {
  const history = new History<undefined>();
  const said = Array.from({ length: 4 }, (_, index) => add(history, 't', index, { size: KEPT_BYTES / 4 }));
  const told = Array.from({ length: 2 * KEPT_INTERNAL }, (_, index) => add(history, 'presence', index, { internal: true, size: 100 }));
  expect(history.since('t', 0, 0)).toEqual(said);
  expect(history.since('presence', 0, 0)).toEqual(told.slice(-KEPT_INTERNAL_BYTES / 100));
  for (let index = 0; index < KEPT; index++) {
    add(history, 't', KEPT + index, { size: 1 + (index % 7) * 50 });
    expect(history.bytes).toBeLessThanOrEqual(KEPT_BYTES + KEPT_INTERNAL_BYTES);
  }
  expect(history.since('presence', 0, 0)).toEqual(told.slice(-KEPT_INTERNAL_BYTES / 100));
  add(history, 't', 2 * KEPT, { size: KEPT_BYTES });
  add(history, 'presence', 2 * KEPT, { internal: true, size: KEPT_INTERNAL_BYTES });
  expect([history.size, history.bytes]).toEqual([2, KEPT_BYTES + KEPT_INTERNAL_BYTES]);
  add(history, 't', 2 * KEPT, { size: KEPT_BYTES + 1 });
  expect(history.size, 'what is larger than all the room is not kept').toBe(1);
});

test('what there was of a topic is known when all of it is gone, and of a bounded number of topics how much', () => {
  const history = new History<undefined>();
  const early = Array.from({ length: 10 }, (_, index) => [add(history, 'early', 5_000 + index), 5_000 + index]);
  for (let index = 0; index < KEPT; index++) add(history, 'much', 6_000 + index);
  expect(history.gone('early', 0, 0)).toEqual({ came: early, older: 0 });
  expect(history.gone('early', 5_004, 0).came).toEqual(early.slice(4));
  expect(history.has('early', 5_000)).toBe(true);
  expect(history.has('early', 5_500)).toBe(false);
  for (let index = 0; index < MAX_DROPPED; index++) add(history, 'more', 7_000 + index);
  expect(history.gone('early', 0, 0)).toEqual({ came: [], older: 10 });
  for (let topic = 0; topic <= MAX_EMPTY_SHELVES; topic++) add(history, `other ${topic}`, 8_000);
  for (let index = 0; index < MAX_DROPPED + KEPT; index++) add(history, 'more', 9_000 + index);
  expect(history.gone('early', 0, 0)).toEqual({ came: [], older: 0 });
});

test('what goes stale before anyone can take it is gone, too', () => {
  const history = new History<undefined>();
  const stale = add(history, 't', 0, { expires: 1_000 });
  const fresh = add(history, 't', 1);
  expect(history.since('t', 0, 60_000)).toEqual([fresh]);
  expect(history.gone('t', 0, 60_000)).toEqual({ came: [[stale, 0]], older: 0 });
});

test('what comes after it was given up is here like any other', () => {
  const history = new History<undefined>();
  history.lost('late', 't', 5);
  expect(history.gone('t', 0, 0).came).toEqual([['late', 5]]);
  history.add({
    item: { id: 'late', topic: 't', issued: 0, expires: DAY, size: 1, internal: false, content: undefined },
    at: 9,
    from: 'peer',
    pulled: true,
  });
  expect(history.gone('t', 0, 0).came).toEqual([]);
  expect(history.since('t', 0, 0)).toEqual(['late']);
});

test('each message since a moment is here, or gone by name; of what has no name never more is counted than there was', () => {
  const pauses = fc.array(fc.oneof(fc.nat(20), fc.nat(400), fc.nat(100_000)), { minLength: 1, maxLength: 400 });
  const law = fc.property(pauses, fc.nat(1_000), (gaps, share) => {
    const history = new History<undefined>();
    const came: { id: string; at: number }[] = [];
    for (const gap of gaps) {
      const at = (came.at(-1)?.at ?? 0) + gap;
      came.push({ id: add(history, 't', at), at });
    }
    const since = came[Math.floor((share / 1_001) * came.length)]!.at;
    const later = came.filter(({ at }) => at >= since);
    const gone = history.gone('t', since, 0);
    const named = [...gone.came.map(([id]) => id), ...history.since('t', since, 0)];
    expect(named).toEqual(later.slice(-KEPT - MAX_DROPPED).map(({ id }) => id));
    const unnamed = later.slice(0, -named.length).filter(({ at }) => at >= since + DOUBT_MS);
    expect(gone.older).toBeLessThanOrEqual(unnamed.length);
    const unsure = later.filter(({ at }) => Math.abs(at - since - DOUBT_MS) <= FINE_SLOT_MS).length;
    expect(gone.older).toBeGreaterThanOrEqual(unnamed.length - unsure);
  });
  fc.assert(law, { seed: 20261121, numRuns: 200 });
});
