import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isHotLine, isPlainJson } from './hot-line.ts';
import { journalLine } from './journal.ts';

const seed = 20261121;
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const odd = fc.oneof(fc.jsonValue(), fc.constantFrom(undefined, Number.NaN, -1, 0.5, '', 'rest', 'x', 1));
const shape = fc.record(
  {
    seq: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 9 }) }, odd),
    t: fc.oneof({ weight: 6, arbitrary: fc.double({ min: 0, max: 9, noNaN: true }) }, odd),
    type: fc.constantFrom('invoke', 'ok', 'fail', 'info', 'observe', 'fault', 'phase'),
    id: fc.oneof({ weight: 6, arbitrary: fc.constant('op-1') }, odd),
    process: fc.oneof({ weight: 6, arbitrary: fc.constant('alice') }, odd),
    surface: fc.oneof({ weight: 6, arbitrary: fc.constantFrom('rest', 'cli', 'client', 'sse', 'ws') }, odd),
    op: fc.oneof({ weight: 6, arbitrary: fc.constant('messaging.publish') }, odd),
    input: maybe(fc.jsonValue()),
    output: maybe(fc.jsonValue()),
    error: maybe(fc.jsonValue()),
    status: fc.oneof({ weight: 4, arbitrary: maybe(fc.integer()) }, odd),
    node: fc.oneof({ weight: 6, arbitrary: fc.constant('bob') }, odd),
    stream: fc.oneof({ weight: 6, arbitrary: fc.constant('events') }, odd),
    event: fc.oneof({ weight: 6, arbitrary: fc.constant('message') }, odd),
    data: maybe(fc.jsonValue()),
    constructor: maybe(fc.constant(1)),
    ['__proto__']: maybe(fc.constant({})),
  },
  { requiredKeys: [] },
);
const kept = {
  invoke: ['seq', 't', 'type', 'id', 'process', 'surface', 'op', 'input'],
  observe: ['seq', 't', 'type', 'node', 'stream', 'event', 'data'],
  done: ['seq', 't', 'type', 'id', 'status', 'output', 'error'],
};

it('agrees with the schema: what it accepts, the schema accepts unchanged; what it refuses of these types, the schema refuses', () => {
  let accepted = 0;
  fc.assert(
    fc.property(shape, fc.constantFrom('all', 'right', 'right', 'right'), (value, which) => {
      const names = value.type === 'invoke' || value.type === 'observe' ? kept[value.type] : kept.done;
      const entries = Object.entries(value).filter(([key, member]) => member !== undefined && (which === 'all' || names.includes(key)));
      // As JSON.parse makes it: `__proto__` is a member like any other.
      const line = JSON.parse(JSON.stringify(Object.fromEntries(entries))) as unknown;
      const parsed = journalLine.safeParse(line);
      const hot = ['invoke', 'ok', 'fail', 'info', 'observe'].includes(value.type ?? '');
      expect(isHotLine(line)).toBe(hot && parsed.success);
      if (!isHotLine(line)) return;
      accepted += 1;
      expect(parsed.data).toEqual(line);
    }),
    { seed, numRuns: 4_000 },
  );
  expect(accepted).toBeGreaterThan(200);
});

it('calls plain only what JSON gives back as it was', () => {
  const unusual = fc.constantFrom<unknown>(undefined, Number.NaN, -0, Infinity, new Date(0), new Map(), () => 1, Symbol('x'), 1n, { toJSON: () => 1 }, Array(1), Object.create(null), Object.assign([1], { extra: 1 })); // prettier-ignore
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      unusual,
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('any'), { maxKeys: 3 }),
    ),
  })).any;
  fc.assert(
    fc.property(value, (one) => {
      if (isPlainJson(one)) expect(JSON.parse(JSON.stringify(one))).toStrictEqual(one);
    }),
    { seed, numRuns: 3_000 },
  );
  expect([{ a: [1, 'x', null, { b: true }] }, [], {}, 0, '', null].every(isPlainJson)).toBe(true);
});
