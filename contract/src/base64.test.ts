import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { base64Problem, decodeBase64, encodeBase64 } from './base64.ts';

const seeded = { seed: 20261121, numRuns: 300 };

test('decode ∘ encode is the identity', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect([...decodeBase64('payload', encodeBase64(bytes))]).toEqual([...bytes]);
    }),
    seeded,
  );
});

test('only the one canonical text of some bytes is accepted', () => {
  const character = fc.constantFrom(...'ABQZgw9+/=-_ \n');
  fc.assert(
    fc.property(fc.array(character, { maxLength: 9 }), (characters) => {
      const text = characters.join('');
      const canonical = Buffer.from(text, 'base64').toString('base64') === text;
      expect(base64Problem(text) === undefined).toBe(canonical);
    }),
    { ...seeded, numRuns: 5000 },
  );
});

test('a refusal names the field, whatever it begins with', () => {
  expect(() => decodeBase64('payload', 'abc')).toThrow('invalid base64 in payload field: invalid padding: 3 characters');
  expect(() => decodeBase64('payload', 'abc', 'invalid base64')).toThrow('invalid base64: payload has an invalid padding: 3 characters');
  expect(() => decodeBase64('payload', 'QQ=A')).toThrow('invalid symbol "=" at offset 2');
  expect(() => decodeBase64('payload', 'QR==')).toThrow('invalid last symbol at offset 1');
});
