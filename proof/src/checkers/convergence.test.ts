import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Convergence, type Write } from './convergence.ts';

const seeded = { seed: 20261121, numRuns: 1_500 };
const values = ['a', 'b', undefined] as const;

/** Up to five writes; the order in which they begin and end is drawn, some never end. */
const history = fc
  .array(
    fc.record({
      value: fc.constantFrom(...values),
      process: fc.constantFrom('p', 'q'),
      from: fc.nat(20),
      length: fc.option(fc.nat(8), { nil: Infinity }),
    }),
    { maxLength: 5 },
  ) // prettier-ignore
  .map((drawn) =>
    drawn.map(({ value, process, from, length }, index) => ({
      value,
      process,
      invoked: from * 10 + index,
      done: from * 10 + index + length * 10 + 5,
    })),
  );
type Drawn = typeof history extends fc.Arbitrary<infer T> ? T : never;

function* orders<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries()) for (const rest of orders(items.toSpliced(index, 1))) yield [item, ...rest];
}

/** Every value that some order of the writes ends with; those without an end may be left out. */
function possible(writes: Drawn, before: (a: Drawn[number], b: Drawn[number]) => boolean): Set<string | undefined> {
  const open = writes.filter(({ done }) => done === Infinity);
  const ends = new Set<string | undefined>();
  for (let mask = 0; mask < 2 ** open.length; mask++) {
    const happened = writes.filter((write) => write.done !== Infinity || (mask >> open.indexOf(write)) & 1);
    for (const order of orders(happened)) {
      const sound = order.every((write, index) => order.slice(index + 1).every((later) => !before(later, write)));
      if (sound) ends.add(order.at(-1)?.value);
    }
  }
  return ends;
}

it.each([
  ['time decides', () => '', () => true],
  ['only order within a process decides', ({ process }: Drawn[number]) => process, (a: Drawn[number], b: Drawn[number]) => a.process === b.process],
] as const)('where %s, finds the values that some order of the writes ends with', (_, laneOf, related) => {
  const seen = new Set<string | undefined>();
  fc.assert(
    fc.property(history, (writes) => {
      const state = new Convergence('run-1');
      for (const { value, process, invoked, done } of writes) {
        const write: Write = { key: 'k', value, lane: laneOf({ value, process, invoked, done }), invoked, done };
        state.write(write);
      }
      const ends = possible(writes, (a, b) => related(a, b) && a.done < b.invoked);
      for (const value of [...values, 'c']) {
        const wrong = state.judge('k', value);
        seen.add(wrong);
        expect(wrong === undefined, `${value} after ${JSON.stringify(writes)}`).toBe(ends.has(value));
        expect(wrong === 'from nowhere').toBe(value !== undefined && !writes.some((write) => write.value === value));
      }
    }),
    seeded,
  );
  expect([...seen]).toEqual(expect.arrayContaining([undefined, 'lost', 'from nowhere']));
});
