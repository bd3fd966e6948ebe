import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../runner/random.ts';
import { PARTITION_SHAPES, partitionOf, select } from './cuts.ts';

const seed = { seed: 20261121 };
const named = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}`);

describe('a partition', () => {
  test('cuts exactly what keeps its groups apart', () => {
    const law = fc.property(fc.constantFrom(...PARTITION_SHAPES), fc.integer({ min: 4, max: 12 }), fc.string(), (shape, count, chance) => {
      const names = named(count);
      const { cuts, groups } = partitionOf(shape, names, seededRandom(chance, shape));
      expect(groups.flat().toSorted()).toEqual(names.toSorted());
      expect(new Set(cuts.map(({ from, to }) => `${from} ${to}`)).size).toBe(cuts.length);
      const hears = (to: string, from: string): boolean => !cuts.some((cut) => cut.from === from && cut.to === to);
      const groupOf = (name: string): readonly string[] => groups.find((group) => group.includes(name))!;
      for (const one of names)
        for (const other of names) if (groupOf(one) !== groupOf(other)) expect(hears(one, other) && hears(other, one)).toBe(false);
      const mutual = cuts.every(({ from, to }) => !hears(from, to));
      expect(mutual).toBe(shape !== 'one-way');
      const sizes = groups.map((group) => group.length).toSorted((a, b) => a - b);
      const expected = {
        halves: [Math.floor(count / 2), Math.ceil(count / 2)],
        'one-way': [Math.floor(count / 2), Math.ceil(count / 2)],
        minority: [Math.ceil(count / 2) - 1, count - Math.ceil(count / 2) + 1],
        single: [1, count - 1],
        ring: [count],
        bridge: [count],
      }[shape];
      expect(sizes).toEqual(expected);
      expect(cuts.length).toBeGreaterThan(shape === 'ring' && count < 4 ? -1 : 0);
    });
    fc.assert(law, seed);
  });

  test('is the same for the same seed and another for another one', () => {
    const drawn = (chance: string) => JSON.stringify(partitionOf('halves', named(8), seededRandom(chance, 'x')));
    expect(drawn('1')).toBe(drawn('1'));
    expect(new Set(['1', '2', '3', '4', '5'].map(drawn)).size).toBeGreaterThan(1);
  });

  test('needs enough nodes', () => {
    expect(() => partitionOf('bridge', named(2), seededRandom('1', ''))).toThrow(/bridge needs 3/);
    expect(() => partitionOf('ring', named(3), seededRandom('1', ''))).toThrow(/ring needs 4/);
  });
});

test('a selector means so many nodes, or those named', () => {
  const of = (selector: Parameters<typeof select>[0], count: number) => select(selector, named(count), seededRandom('7', 'select'));
  expect(['one', 'minority', 'majority', 'all'].map((selector) => of(selector as 'one', 5).length)).toEqual([1, 2, 3, 5]);
  expect(of('minority', 2)).toHaveLength(1);
  expect(of(['n1', 'n0'], 3)).toEqual(['n1', 'n0']);
  expect(() => of(['n9'], 3)).toThrow(/no node n9/);
});
