import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Chance } from '../chance.ts';
import { Disk } from './disk.ts';
import { ValuePool } from './value-pool.ts';

const SEED = 20261121;
const value = (text: string): Uint8Array => new TextEncoder().encode(text);
const disk = (seed = 'disk', quality?: { syncMs: number; maxBytes: number }): Disk =>
  new Disk({ chance: new Chance(seed), pool: new ValuePool(), ...(quality && { quality }) });

test('a power cut leaves all that was synced, and of the rest a first part, batch by batch', () => {
  const batch = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), text: fc.option(fc.string({ maxLength: 4 })), durable: fc.boolean() });
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 20 }), fc.string(), (batches, seed) => {
      const made = disk(seed);
      const store = made.open(() => {});
      // What the disk could look like after each batch, from the last one that was synced on.
      const states: string[] = [];
      const model = new Map<string, string>();
      const state = (): string => JSON.stringify([...model].toSorted());
      states.push(state());
      for (const { key, text, durable } of batches) {
        store.batch([{ key, value: text === null ? null : value(text) }], durable ? 'durable' : 'relaxed');
        if (text === null) model.delete(key);
        else model.set(key, text);
        if (durable) states.length = 0;
        states.push(state());
      }
      made.losePower();
      const rows = made.open(() => {}).range({ prefix: '' });
      expect(states).toContain(JSON.stringify(rows.map((row) => [row.key, new TextDecoder().decode(row.value)])));
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('how much a power cut takes is chance: nothing, all, and what is between', () => {
  const left = new Set<number>();
  for (let run = 0; run < 60; run++) {
    const made = disk(`run ${run}`);
    const store = made.open(() => {});
    for (let index = 0; index < 4; index++) store.batch([{ key: `k${index}`, value: value('x') }], 'relaxed');
    made.losePower();
    left.add(made.open(() => {}).count('k'));
  }
  expect([...left].toSorted()).toEqual([0, 1, 2, 3, 4]);
});

test('a full disk refuses and stays as it was, and takes again what makes room', () => {
  const made = disk('full', { syncMs: 0, maxBytes: 100 });
  const store = made.open(() => {});
  store.batch([{ key: 'a', value: new Uint8Array(60) }], 'durable');
  const before = made.bytes;
  expect(() => store.batch([{ key: 'b', value: new Uint8Array(60) }], 'relaxed')).toThrow(
    expect.objectContaining({ name: 'StoreError', code: 'full' }),
  );
  expect([made.bytes, store.count('')]).toEqual([before, 1]);
  store.batch([{ key: 'a', value: null }], 'relaxed');
  store.batch([{ key: 'b', value: new Uint8Array(60) }], 'relaxed');
  expect(store.count('')).toBe(1);
});

test('a sync takes its time, and only a sync does', () => {
  const waits: number[] = [];
  const store = disk('slow', { syncMs: 40, maxBytes: Infinity }).open((ms) => waits.push(ms));
  store.batch([{ key: 'a', value: value('1') }], 'relaxed');
  expect(waits).toEqual([]);
  store.batch([], 'durable');
  expect(waits).toEqual([40]);
});
