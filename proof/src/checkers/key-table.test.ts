import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Columns } from './columns.ts';
import { KeyTable, PairTable } from './key-table.ts';

const seeded = { seed: 20261121, numRuns: 200 };

it('numbers keys as a map would, past every growth', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 4 }), { maxLength: 60 }), fc.string(), (keys, seed) => {
      const table = new KeyTable(seed);
      const numbers = new Map<string, number>();
      for (const key of keys) {
        if (!numbers.has(key)) numbers.set(key, numbers.size);
        expect(table.enter(key)).toBe(numbers.get(key));
      }
      expect(table.size).toBe(numbers.size);
    }),
    seeded,
  );
  const table = new KeyTable('run-1');
  for (const round of [0, 1]) for (let n = 0; n < 20_000; n++) if (table.enter(`message/${n}`) !== n) throw new Error(`${round}: ${n}`);
});

it('finds a pair only once it was entered, and gives it back', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(0xffff_ffff)), { maxLength: 40 }), fc.tuple(fc.nat(9), fc.nat(0xffff_ffff)), (pairs, other) => {
      const table = new PairTable();
      for (const [left, right] of pairs) expect(table.pair(table.enter(left, right))).toEqual([left, right]);
      const known = pairs.some(([left, right]) => left === other[0] && right === other[1]);
      expect(table.find(...other) !== undefined).toBe(known);
    }),
    seeded,
  );
});

it('keeps numbers and lines in their rows, and stops counting at 65,535', () => {
  const rows = new Columns(2, 2);
  for (let n = 0; n < 70_000; n++) rows.count(5_000, 1);
  rows.mark(5_000, 7, 1);
  expect([rows.get(5_000, 0), rows.get(5_000, 1), rows.seq(5_000), rows.seq(5_000, 1)]).toEqual([0, 65_535, 0, 7]);
  expect([rows.get(9_000_000, 1), rows.seq(9_000_000)]).toEqual([0, 0]);
});
