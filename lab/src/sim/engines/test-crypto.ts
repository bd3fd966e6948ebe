/**
 * A marked test scheme in place of the cryptography of the network: nothing random, nothing on other threads, the sizes of the real one.
 * Whoever looked for it would find what makes a signature, and nobody does: forgeries are wrong signatures, or those of other keys. Hashes, HKDF and
 * AES-GCM are the real ones.
 */
import { nodeCrypto } from '@muster/node';
import type { Crypto, KemKey, SigningKey } from '@muster/node';
import type { Chance } from '../chance.ts';

const TEST_SCHEME = 'muster-sim-test-v1';

const PUBLIC_BYTES = 1_952;
const SIGNATURE_BYTES = 3_309;
const KEM_PUBLIC_BYTES = 1_184;
const CIPHERTEXT_BYTES = 1_088;
const HASH_BYTES = 32;
const NOTHING = new Uint8Array(SIGNATURE_BYTES);

/** Verdicts by signature: what a thousand nodes get is verified once. */
const verdicts = new WeakMap<Uint8Array, { readonly key: Uint8Array; readonly message: Uint8Array; readonly good: boolean }>();

const tag = (text: string): Uint8Array => new TextEncoder().encode(`${TEST_SCHEME} ${text}`);
const TAGS = { sign: tag('sign'), signingKey: tag('signing key'), kemKey: tag('kem key'), secret: tag('secret'), cipher: tag('cipher') };

/** `chance`: of one node; its keys and nonces follow from it. */
export function testCrypto(chance: Chance): Crypto {
  const real = nodeCrypto();
  const { sha256 } = real;
  /** a hash, and zeros up to the size of the real thing */
  const padded = (hash: Uint8Array, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    bytes.set(hash);
    return bytes;
  };
  const isPadded = (bytes: Uint8Array, length: number): boolean =>
    bytes.length === length && Buffer.compare(bytes.subarray(HASH_BYTES), NOTHING.subarray(HASH_BYTES, length)) === 0;
  const secretOf = (publicKey: Uint8Array, nonce: Uint8Array): Uint8Array => sha256(TAGS.secret, publicKey.subarray(0, HASH_BYTES), nonce);
  const signature = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => sha256(TAGS.sign, publicKey.subarray(0, HASH_BYTES), message);

  return {
    ...real,
    scheme: TEST_SCHEME,
    randomBytes: (length) => chance.bytes(length),

    signingKey(seed = chance.bytes(32)): SigningKey {
      return { publicKey: padded(sha256(TAGS.signingKey, seed), PUBLIC_BYTES), seed };
    },

    async sign({ seed }, message) {
      return padded(signature(sha256(TAGS.signingKey, seed), message), SIGNATURE_BYTES);
    },

    async verify(publicKey, message, given) {
      const before = verdicts.get(given);
      if (before && Buffer.compare(before.key, publicKey) === 0 && Buffer.compare(before.message, message) === 0) return before.good;
      const good =
        isPadded(publicKey, PUBLIC_BYTES) &&
        isPadded(given, SIGNATURE_BYTES) &&
        Buffer.compare(signature(publicKey, message), given.subarray(0, HASH_BYTES)) === 0;
      verdicts.set(given, { key: publicKey, message, good });
      return good;
    },

    kemKey(seed = chance.bytes(64)): KemKey {
      return { publicKey: padded(sha256(TAGS.kemKey, seed), KEM_PUBLIC_BYTES), seed };
    },

    encapsulate(publicKey) {
      if (!isPadded(publicKey, KEM_PUBLIC_BYTES)) throw new Error('not a public key');
      const nonce = chance.bytes(HASH_BYTES);
      return { ciphertext: padded(nonce, CIPHERTEXT_BYTES), secret: secretOf(publicKey, nonce) };
    },

    decapsulate({ publicKey }, ciphertext) {
      if (ciphertext.length !== CIPHERTEXT_BYTES) throw new Error('a ciphertext of another length');
      // All of it counts: one that was changed anywhere gives an unrelated secret.
      const nonce = isPadded(ciphertext, CIPHERTEXT_BYTES) ? ciphertext.subarray(0, HASH_BYTES) : sha256(TAGS.cipher, ciphertext);
      return secretOf(publicKey, nonce);
    },
  };
}
