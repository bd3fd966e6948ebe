import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonSyntaxError, MAX_JSON_DEPTH, parseJson, parseJsonPrefix } from './json-prefix.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const seeded = { seed: 20261121, numRuns: 500 };

/** Lone surrogates cannot be written as UTF-8. */
const wellFormed = fc.jsonValue().filter((value) => JSON.stringify(value).isWellFormed() && !/\\ud[89a-f]/iu.test(JSON.stringify(value)));

test('a JSON value is read like JSON.parse reads it, however it is written', () => {
  fc.assert(
    fc.property(wellFormed, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
    }),
    seeded,
  );
});

test('whatever follows a complete value is ignored', () => {
  fc.assert(
    fc.property(wellFormed, fc.uint8Array({ maxLength: 20 }), (value, tail) => {
      // A number goes on for as long as digits follow, so it is fenced off.
      const text = typeof value === 'number' ? `${JSON.stringify(value)} ` : JSON.stringify(value);
      const head = bytes(text);
      expect(parseJsonPrefix(new Uint8Array([...head, ...tail])).value).toEqual(JSON.parse(text));
    }),
    seeded,
  );
});

test('what JSON.parse refuses is refused, and nothing else', () => {
  const fragments = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"a"',
    '"\\n"',
    '"\\u12',
    '0',
    '01',
    '-',
    '1',
    '.5',
    'e9',
    'true',
    'nul',
    'null',
    ' ',
    '\n',
    '\\',
    '\u0000',
    '\u00e9',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 8 }), (parts) => {
      const text = parts.join('');
      let expected: { value: unknown } | undefined;
      try {
        expected = { value: JSON.parse(text) };
      } catch {
        expected = undefined;
      }
      if (expected) expect(parseJson(bytes(text))).toEqual(expected.value);
      else expect(() => parseJson(bytes(text))).toThrow(JsonSyntaxError);
    }),
    { ...seeded, numRuns: 5000 },
  );
});

test.each([
  ['one brace too many', '{"name":"x"}}', { name: 'x' }],
  ['a second value', '{"a":1}{"b":2}', { a: 1 }],
  ['a word glued on', 'truefalse', true],
  ['a second fraction', '1.5.5', 1.5],
])('%s is left alone', (_, text, value) => {
  expect(parseJsonPrefix(bytes(text)).value).toEqual(value);
  expect(() => parseJson(bytes(text))).toThrow(JsonSyntaxError);
});

test.each([
  ['nothing', ''],
  ['blanks only', ' \n'],
  ['an unfinished object', '{"a":1'],
  ['a key without quotes', '{a:1}'],
  ['a comma too many', '[1,]'],
  ['a leading zero', '01'],
  ['a lone minus', '-'],
  ['a fraction without digits', '1.'],
  ['an exponent without digits', '1e+'],
  ['a byte order mark', '\ufeff{}'],
  ['a line break in a string', '"a\nb"'],
  ['an unknown escape', '"\\x41"'],
  ['a short unicode escape', '"\\u12"'],
  ['a lone high surrogate', '"\\ud800"'],
  ['a lone low surrogate', '"\\udc00"'],
  ['two low surrogates', '"\\udc00\\udc00"'],
  ['two high surrogates', '"\\ud800\\ud800"'],
])('%s is no JSON', (_, text) => {
  expect(() => parseJsonPrefix(bytes(text))).toThrow(JsonSyntaxError);
});

test('a surrogate pair is one character', () => {
  expect(parseJson(bytes('"\\ud83d\\ude00"'))).toBe('😀');
});

test('invalid UTF-8 inside the value is refused, after it is ignored', () => {
  expect(() => parseJsonPrefix(new Uint8Array([0x22, 0xff, 0x22]))).toThrow('invalid unicode');
  expect(parseJsonPrefix(new Uint8Array([0x31, 0x20, 0xff])).value).toBe(1);
});

test('nesting is bounded', () => {
  const nested = (depth: number) => bytes('['.repeat(depth) + ']'.repeat(depth));
  expect(parseJsonPrefix(nested(MAX_JSON_DEPTH)).length).toBe(2 * MAX_JSON_DEPTH);
  expect(() => parseJsonPrefix(nested(MAX_JSON_DEPTH + 1))).toThrow('recursion limit exceeded');
  expect(() => parseJsonPrefix(bytes('['.repeat(1_000_000)))).toThrow('recursion limit exceeded');
});

test('the message says where', () => {
  expect(() => parseJsonPrefix(bytes('{"a":\n  x}'))).toThrow('unexpected byte while parsing a value at line 2 column 2');
  expect(() => parseJsonPrefix(bytes(''))).toThrow('EOF while parsing a value at line 1 column 0');
});
