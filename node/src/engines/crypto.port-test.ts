import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Crypto } from '@muster/protocol';

const SEED = 20261121;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const flipped = (data: Uint8Array, bit: number): Uint8Array => {
  const copy = data.slice();
  copy[Math.floor(bit / 8) % copy.length]! ^= 1 << (bit % 8);
  return copy;
};

/** What every cryptography engine must do, the real one and a marked test scheme. */
export function cryptoPortTest(makeCrypto: () => Crypto): void {
  describe('crypto port', () => {
    it('derives the same keys from the same seed, and other keys from another', () => {
      const crypto = makeCrypto();
      const seed = new Uint8Array(32).fill(7);
      const kemSeed = new Uint8Array(64).fill(9);
      expect(crypto.signingKey(seed)).toEqual(crypto.signingKey(seed));
      expect(crypto.signingKey(seed).seed).toEqual(seed);
      expect(crypto.signingKey().publicKey).not.toEqual(crypto.signingKey().publicKey);
      expect(crypto.kemKey(kemSeed)).toEqual(crypto.kemKey(kemSeed));
      expect(crypto.kemKey().publicKey).not.toEqual(crypto.kemKey().publicKey);
    });

    it('has the sizes of FIPS 203 and 204', async () => {
      const crypto = makeCrypto();
      const key = crypto.signingKey();
      const kem = crypto.kemKey();
      const { ciphertext, secret } = crypto.encapsulate(kem.publicKey);
      const sizes = [key.publicKey, key.seed, await crypto.sign(key, bytes('x')), kem.publicKey, kem.seed, ciphertext, secret].map(
        (part) => part.length,
      );
      expect(sizes).toEqual([1952, 32, 3309, 1184, 64, 1088, 32]);
    });

    it('verifies what was signed, and nothing that differs in one bit', async () => {
      const crypto = makeCrypto();
      const key = crypto.signingKey(new Uint8Array(32).fill(1));
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(1_000_000), async (message, bit) => {
          const signature = await crypto.sign(key, message);
          expect(await crypto.verify(key.publicKey, message, signature)).toBe(true);
          expect(await crypto.verify(key.publicKey, flipped(message, bit), signature)).toBe(false);
          expect(await crypto.verify(key.publicKey, message, flipped(signature, bit))).toBe(false);
          expect(await crypto.verify(flipped(key.publicKey, bit), message, signature)).toBe(false);
        }),
        { seed: SEED, numRuns: 25 },
      );
    });

    it('says false for malformed keys and signatures of any length', async () => {
      const crypto = makeCrypto();
      const key = crypto.signingKey();
      const signature = await crypto.sign(key, bytes('x'));
      for (const malformed of [new Uint8Array(0), new Uint8Array(5), new Uint8Array(1951), new Uint8Array(1952), new Uint8Array(9000)]) {
        expect(await crypto.verify(malformed, bytes('x'), signature)).toBe(false);
        expect(await crypto.verify(key.publicKey, bytes('x'), malformed)).toBe(false);
      }
    });

    it('signs with a key that was rebuilt from its parts', async () => {
      const crypto = makeCrypto();
      const { publicKey, seed } = crypto.signingKey();
      const signature = await makeCrypto().sign({ publicKey, seed }, bytes('x'));
      expect(await crypto.verify(publicKey, bytes('x'), signature)).toBe(true);
    });

    it('gives both ends of an encapsulation the same secret, and nobody else', () => {
      const crypto = makeCrypto();
      const kem = crypto.kemKey();
      const { ciphertext, secret } = crypto.encapsulate(kem.publicKey);
      expect(crypto.decapsulate(kem, ciphertext)).toEqual(secret);
      expect(crypto.decapsulate({ ...kem }, ciphertext)).toEqual(secret);
      expect(crypto.decapsulate(crypto.kemKey(), ciphertext)).not.toEqual(secret);
      expect(() => crypto.encapsulate(new Uint8Array(10))).toThrow(Error);
    });

    it('derives keys that differ with every input, to the published value', () => {
      const crypto = makeCrypto();
      // RFC 5869 appendix A.1
      const range = (first: number, length: number) => Uint8Array.from({ length }, (_, index) => first + index);
      const okm = crypto.hkdf(new Uint8Array(22).fill(0x0b), range(0, 13), range(0xf0, 10), 42);
      expect(Buffer.from(okm).toString('hex')).toBe('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865');
      const [a, b] = [bytes('a'), bytes('b')];
      const derived = [crypto.hkdf(a, a, a, 32), crypto.hkdf(b, a, a, 32), crypto.hkdf(a, b, a, 32), crypto.hkdf(a, a, b, 32)];
      expect(new Set(derived.map((key) => Buffer.from(key).toString('hex'))).size).toBe(4);
    });

    it('opens what was sealed, and nothing that differs in one bit', () => {
      const crypto = makeCrypto();
      const [key, nonce] = [new Uint8Array(32).fill(1), new Uint8Array(12).fill(2)];
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 300 }),
          fc.uint8Array({ minLength: 1, maxLength: 40 }),
          fc.nat(1_000_000),
          (content, associated, bit) => {
            const sealed = crypto.seal(key, nonce, content, associated);
            expect(sealed).toHaveLength(content.length + 16);
            expect(crypto.open(key, nonce, sealed, associated)).toEqual(content);
            expect(crypto.open(key, nonce, flipped(sealed, bit), associated)).toBeUndefined();
            expect(crypto.open(key, nonce, sealed, flipped(associated, bit))).toBeUndefined();
            expect(crypto.open(flipped(key, bit), nonce, sealed, associated)).toBeUndefined();
            expect(crypto.open(key, flipped(nonce, bit), sealed, associated)).toBeUndefined();
          },
        ),
        { seed: SEED, numRuns: 50 },
      );
      expect(crypto.open(key, nonce, new Uint8Array(15), new Uint8Array())).toBeUndefined();
    });

    it('hashes parts as their concatenation, to the published values', () => {
      const crypto = makeCrypto();
      const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
      // FIPS 180-2 appendix B.1, and the empty input of BLAKE3's official vectors
      expect(hex(crypto.sha256(bytes('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
      expect(crypto.sha256(bytes('a'), new Uint8Array(0), bytes('bc'))).toEqual(crypto.sha256(bytes('abc')));
      expect(crypto.sha256()).toEqual(crypto.sha256(new Uint8Array(0)));
      expect(hex(crypto.blake3(new Uint8Array(0)))).toBe('af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262');
    });

    it('compares content and length', () => {
      const crypto = makeCrypto();
      expect(crypto.equal(bytes('abc'), bytes('abc'))).toBe(true);
      expect(crypto.equal(bytes('abc'), bytes('abd'))).toBe(false);
      expect(crypto.equal(bytes('abc'), bytes('ab'))).toBe(false);
    });

    it('gives as many random bytes as asked, never the same', () => {
      const crypto = makeCrypto();
      expect(crypto.randomBytes(32)).toHaveLength(32);
      expect(crypto.randomBytes(32)).not.toEqual(crypto.randomBytes(32));
    });
  });
}
