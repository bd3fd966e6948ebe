import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { bytesEqual, concat, fromBase64, fromBase64url, fromHex, TextFormError, toBase64, toBase64url, toHex } from './bytes.ts';
import { decodeStrict, encodeChecked, EncodingError, encodeStrict, readMap, readText, translated } from './encoding.ts';
import { IdError, idBytes, idOfBytes, idOfKey, parseAgentId } from './ids.ts';
import { once } from './once.ts';
import { identityWords, matchesWords } from './words.ts';

const seed = { seed: 20261121 };
const codeOf = (act: () => unknown) => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('an id', () => {
  test('is the SHA-256 of the raw key in lower-case hex', () => {
    const { publicKey } = crypto.signingKey(new Uint8Array(32));
    expect(publicKey.length).toBe(1952);
    expect(idOfKey(crypto, publicKey)).toBe(toHex(crypto.sha256(publicKey)));
  });

  test('is read in either letter case and written in one', () => {
    expect(parseAgentId('AB'.repeat(32))).toBe('ab'.repeat(32));
    expect(idBytes(idOfBytes(new Uint8Array(32).fill(171)))).toEqual(new Uint8Array(32).fill(171));
  });

  test.each([
    ['', 'wrong_length', { bytes: 0 }],
    ['abc', 'odd_length', {}],
    ['ab'.repeat(31), 'wrong_length', { bytes: 31 }],
    ['ab'.repeat(33), 'wrong_length', { bytes: 33 }],
    [`${'ab'.repeat(31)}zz`, 'bad_character', { index: 62, character: 'z' }],
    ['0x', 'bad_character', { index: 1, character: 'x' }],
    ['é!', 'bad_character', { index: 0, character: 'é' }],
    // Its lower byte is a digit.
    ['0\u0131', 'bad_character', { index: 1, character: '\u0131' }],
    [`${'ab'.repeat(31)} a`, 'bad_character', { index: 62, character: ' ' }],
  ])('refuses "%s" as %s', (text, code, detail) => {
    const caught = (() => {
      try {
        return parseAgentId(text);
      } catch (error) {
        return error;
      }
    })();
    expect(caught).toBeInstanceOf(IdError);
    expect(caught).toMatchObject({ code, ...detail });
  });
});

describe('text forms', () => {
  test('decode what they encode', () => {
    const law = fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      expect(fromHex(toHex(bytes))).toEqual(bytes);
      expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      expect(fromBase64url(toBase64url(bytes))).toEqual(bytes);
    });
    fc.assert(law, seed);
  });

  test.each(['a', 'ab', 'YQ', 'YQ=', 'YR==', 'Y Q==', 'YQ==\n', '_-8=', '!!!!'])('base64 refuses %j', (text) => {
    expect(() => fromBase64(text)).toThrow(TextFormError);
  });

  test.each(['a', 'YQ==', 'YR', '+/8', 'Y!'])('base64url refuses %j', (text) => {
    expect(() => fromBase64url(text)).toThrow(TextFormError);
  });

  test('are equal by content and joined in order', () => {
    expect(bytesEqual(concat(Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3)), Uint8Array.of(1, 2, 3))).toBe(true);
    expect(bytesEqual(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false);
  });
});

describe('words', () => {
  const ada = parseAgentId(`0000000000ff${'00'.repeat(26)}`);
  const user = idOfBytes<ReturnType<typeof idOfKey>>(new Uint8Array(32).fill(255)) as never;

  test('are four of 2,048 for the first 44 bits, eight with a user', () => {
    expect(identityWords(ada)).toBe('abandon abandon abandon acid'); // 0x0ff >> 4 is 15
    expect(identityWords(ada, user)).toBe('abandon abandon abandon acid @ zoo zoo zoo zoo');
  });

  test('match in any case and with any separators, and not otherwise', () => {
    expect(matchesWords('Abandon-abandon  ABANDON, acid', ada)).toBe(true);
    expect(matchesWords('abandon abandon abandon about', ada)).toBe(false);
    expect(matchesWords('abandon abandon abandon', ada)).toBe(false);
    expect(matchesWords('abandon abandon abandon acid @ zoo zoo zoo zoo', ada, user)).toBe(true);
    expect(matchesWords('abandon abandon abandon acid @ zoo zoo zoo zoo', ada)).toBe(false);
    expect(matchesWords('', ada)).toBe(false);
  });
});

describe('the encoding', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, false),
      fc.maxSafeInteger(),
      fc.string(),
      fc.uint8Array(),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(
        fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
        tie('any'),
        { maxKeys: 4, noNullPrototype: true },
      ),
    ),
  })).any;

  test('decodes what it encodes', () => {
    fc.assert(
      fc.property(value, (item) => {
        expect(decodeStrict(encodeStrict(item), 1 << 20)).toEqual(item);
      }),
      seed,
    );
  });

  test('accepts bytes only if it would have written them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        let decoded: unknown;
        try {
          decoded = decodeStrict(bytes, 12);
        } catch (error) {
          expect(error).toBeInstanceOf(EncodingError);
          return;
        }
        expect(encodeStrict(decoded)).toEqual(bytes);
      }),
      { ...seed, numRuns: 2_000 },
    );
  });

  test.each([
    ['unsorted keys', 'a2616201616101', 'non_canonical'],
    ['duplicate keys', 'a2616101616101', 'malformed'],
    ['a longer head', '1801', 'malformed'],
    ['an indefinite length', '9f01ff', 'malformed'],
    ['trailing bytes', '0101', 'malformed'],
    ['a float that is whole', 'fb3ff0000000000000', 'non_canonical'],
    ['NaN', 'fb7ff8000000000000', 'malformed'],
    ['undefined', 'f7', 'non_canonical'],
    ['nesting without end', '81'.repeat(100_000), 'malformed'],
    ['nothing', '', 'malformed'],
  ])('refuses %s', (_what, hex, code) => {
    expect(codeOf(() => decodeStrict(fromHex(hex), 200_000))).toBe(code);
  });

  test('takes a key named __proto__ for a key', () => {
    const decoded = decodeStrict(fromHex('a1695f5f70726f746f5f5fa16161f5'), 100);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(decoded).not.toHaveProperty('a');
  });

  test('refuses by size before it looks', () => {
    expect(codeOf(() => decodeStrict(new Uint8Array(11), 10))).toBe('oversize');
    const read = once((bytes: Uint8Array): object => bytes);
    expect(codeOf(() => encodeChecked(['ten letters'], 10, read, Object))).toBe('oversize');
  });

  test('gives its errors the type that a caller asks for, and no other error', () => {
    const mine = () => new TypeError('mine');
    expect(() => translated(() => decodeStrict(Uint8Array.of(0xff), 1), mine)).toThrow(TypeError);
    const broken = () => {
      throw new RangeError('a fault');
    };
    expect(() => translated(broken, mine)).toThrow(RangeError);
  });

  test('holds each text that its reader takes, and the reader takes no other', () => {
    const parts = fc.array(fc.constantFrom('a', '\uFEFF', '\uD800', '\uDC00', '\uFFFD', '\u{1F600}'), { maxLength: 4 });
    const law = fc.property(parts, (characters) => {
      const text = characters.join('');
      let back: unknown;
      const sent = codeOf(() => (back = decodeStrict(encodeStrict(text), 99)));
      expect(codeOf(() => readText(text, 'text', 0, 64))).toBe(sent === 'accepted' && back === text ? 'accepted' : 'bad_shape');
    });
    fc.assert(law, { ...seed, numRuns: 500 });
  });

  test('has no form for what is not data', () => {
    expect(codeOf(() => encodeStrict({ a: undefined }))).toBe('malformed');
    expect(codeOf(() => readMap(null, 'thing'))).toBe('bad_shape');
  });
});
