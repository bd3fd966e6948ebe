import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Call, linearize, type Model } from './linearizable.ts';
import { explained } from './linearizable.test-helper.ts';

const seeded = { seed: 20261121, numRuns: 2_000 };
type Action = readonly ['read' | 'write' | 'swap', string, string?];
const register: Model<Action> = (state, [does, value, expected]) => {
  if (does === 'write') return value;
  if (does === 'swap') return state === expected ? value : undefined;
  return state === value ? state : undefined;
};

const value = fc.constantFrom('', 'a', 'b');
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.tuple(fc.constant('read' as const), value),
  fc.tuple(fc.constant('write' as const), value),
  fc.tuple(fc.constant('swap' as const), value, value),
);
const history = fc
  .array(
    fc.record({ action, from: fc.nat(12), length: fc.oneof({ weight: 5, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.constant(Infinity) }) }),
    { maxLength: 6 },
  ) // prettier-ignore
  .map((drawn) =>
    drawn.map(({ action: does, from, length }, n): Call<Action> => ({ action: does, from: from * 10 + n, to: from * 10 + length * 10 + n + 0.5 })),
  );

it('agrees with trying every order', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(history, (calls) => {
      const { linear, longest } = linearize(calls, register, '', 1_000_000);
      seen.add(linear);
      expect(linear).toBe(explained(calls, register, '') ? 'yes' : 'no');
      expect(longest.length).toBeLessThan(calls.length + (linear === 'yes' ? 1 : 0));
    }),
    seeded,
  );
  expect([...seen].toSorted()).toEqual(['no', 'yes']);
});

it('gives up after so many steps, and at the same step each time', () => {
  // Twelve concurrent writes and a read of what none of them wrote: every order must be tried.
  const calls: Call<Action>[] = Array.from({ length: 12 }, (_, n) => ({ action: ['write', `v${n}`], from: n, to: 100 + n }));
  calls.push({ action: ['read', 'never'], from: 200, to: 201 });
  const first = linearize(calls, register, '', 5_000);
  expect(first).toMatchObject({ linear: 'unknown', steps: 5_001 });
  expect(linearize(calls, register, '', 5_000)).toEqual(first);
  expect(linearize(calls, register, '', 10_000_000).linear).toBe('no');
});

it('puts a long history of one process in order in steps that grow with its length', () => {
  const calls = Array.from({ length: 2_000 }, (_, n): Call<Action> => ({ action: [n % 2 ? 'read' : 'write', `v${n - (n % 2)}`], from: n * 2, to: n * 2 + 1 })); // prettier-ignore
  const { linear, steps } = linearize(calls, register, '', 100_000);
  expect(linear).toBe('yes');
  expect(steps).toBeLessThan(20_000);
});
