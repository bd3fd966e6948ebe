import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  encapsulate,
  generateKeyPairSync,
  hash,
  hkdfSync,
  createHash,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto';
import { blake3 } from '@noble/hashes/blake3.js';
import { concat } from '@muster/protocol';
import type { Crypto, KemKey, SigningKey } from '@muster/protocol';

const SIGNING = 'ml-dsa-65';
const SIGNING_PUBLIC_BYTES = 1952;
const SIGNATURE_BYTES = 3309;
const KEM = 'ml-kem-768';
const AEAD = 'aes-256-gcm';
const TAG_BYTES = 16;
/** An imported ML-DSA-65 key keeps its expanded matrix, about 30 KB. */
const CACHED_PUBLIC_KEYS = 256;
/** up to so many are put together to be hashed: beyond, copying them costs more than it saves */
const ONE_SHOT_BYTES = 64 * 1024;

type KeyType = typeof SIGNING | typeof KEM;

const importSeed = (type: KeyType, seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.from(seed), format: 'raw-seed', asymmetricKeyType: type });

const importPublic = (type: KeyType, key: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(key), format: 'raw-public', asymmetricKeyType: type });

/** A plain copy: `Buffer` would serialise and print differently from what the protocol promises. */
const plain = (buffer: Uint8Array): Uint8Array => new Uint8Array(buffer);

/** A digest as text, a character a byte, costs a third of one as a `Buffer`, and a tenth of one by way of a `Hash`. */
function hashedAtOnce(bytes: Uint8Array): Uint8Array {
  const text = hash('sha256', bytes, 'latin1');
  const digest = new Uint8Array(text.length);
  for (let at = 0; at < digest.length; at++) digest[at] = text.charCodeAt(at);
  return digest;
}

function keyPair(type: KeyType, seed?: Uint8Array) {
  const privateKey = seed ? importSeed(type, seed) : generateKeyPairSync(type as 'ml-dsa-65').privateKey;
  const publicKey = createPublicKey(privateKey);
  return {
    privateKey,
    publicKey,
    raw: { publicKey: plain(publicKey.export({ format: 'raw-public' })), seed: plain(privateKey.export({ format: 'raw-seed' })) },
  };
}

/** Least recently used public keys: importing costs as much as a tenth of a verification. */
class PublicKeyCache {
  readonly #keys = new Map<string, KeyObject>();

  get(raw: Uint8Array): KeyObject {
    const id = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1');
    const known = this.#keys.get(id);
    const key = known ?? importPublic(SIGNING, raw);
    if (known) this.#keys.delete(id);
    else if (this.#keys.size >= CACHED_PUBLIC_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
    this.#keys.set(id, key);
    return key;
  }
}

/**
 * ML-DSA-65 (FIPS 204) and ML-KEM-768 (FIPS 203) of `node:crypto`.
 * Signing and verifying run on libuv's pool: twice the throughput of the synchronous form on two cores, the same when awaited one by one, and the event loop stays free.
 * `synchronous`: on the calling thread instead, so that nothing depends on which of several ends first.
 * `decapsulate` throws on a ciphertext of the wrong length; one that is merely wrong yields an unrelated secret (implicit rejection).
 */
export function nodeCrypto({ synchronous = false }: { readonly synchronous?: boolean } = {}): Crypto {
  const signingKeys = new WeakMap<SigningKey, KeyObject>();
  const kemKeys = new WeakMap<KemKey, KeyObject>();
  const publicKeys = new PublicKeyCache();

  function remembered<K extends SigningKey | KemKey>(keys: WeakMap<K, KeyObject>, type: KeyType, key: K): KeyObject {
    let imported = keys.get(key);
    if (!imported) keys.set(key, (imported = importSeed(type, key.seed)));
    return imported;
  }

  async function verifiedHere(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    try {
      return verify(null, message, publicKeys.get(publicKey), signature);
    } catch {
      return false;
    }
  }

  return {
    scheme: SIGNING,

    signingKey(seed) {
      const { privateKey, raw } = keyPair(SIGNING, seed);
      signingKeys.set(raw, privateKey);
      return raw;
    },

    sign(key, message) {
      if (synchronous) return Promise.resolve(plain(sign(null, message, remembered(signingKeys, SIGNING, key))));
      return new Promise((resolve, reject) => {
        sign(null, message, remembered(signingKeys, SIGNING, key), (error, signature) => (error ? reject(error) : resolve(plain(signature))));
      });
    },

    verify(publicKey, message, signature) {
      if (publicKey.length !== SIGNING_PUBLIC_BYTES || signature.length !== SIGNATURE_BYTES) return Promise.resolve(false);
      if (synchronous) return verifiedHere(publicKey, message, signature);
      return new Promise((resolve) => {
        try {
          verify(null, message, publicKeys.get(publicKey), signature, (error, valid) => resolve(!error && valid));
        } catch {
          resolve(false);
        }
      });
    },

    kemKey(seed) {
      const { privateKey, raw } = keyPair(KEM, seed);
      kemKeys.set(raw, privateKey);
      return raw;
    },

    encapsulate(publicKey) {
      const { ciphertext, sharedKey } = encapsulate(importPublic(KEM, publicKey));
      return { ciphertext: plain(ciphertext), secret: plain(sharedKey) };
    },

    decapsulate(key, ciphertext) {
      return plain(decapsulate(remembered(kemKeys, KEM, key), ciphertext));
    },

    hkdf: (secret, salt, info, length) => new Uint8Array(hkdfSync('sha256', secret, salt, info, length)),

    seal(key, nonce, content, associated) {
      const cipher = createCipheriv(AEAD, key, nonce, { authTagLength: TAG_BYTES }).setAAD(associated);
      return plain(Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]));
    },

    open(key, nonce, sealed, associated) {
      if (sealed.length < TAG_BYTES) return undefined;
      const end = sealed.length - TAG_BYTES;
      const decipher = createDecipheriv(AEAD, key, nonce, { authTagLength: TAG_BYTES }).setAAD(associated).setAuthTag(sealed.subarray(end));
      const content = decipher.update(sealed.subarray(0, end));
      try {
        return plain(Buffer.concat([content, decipher.final()]));
      } catch {
        // The only thing that `final` has to object to is the tag.
        return undefined;
      }
    },

    sha256(...parts) {
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      if (length <= ONE_SHOT_BYTES) return hashedAtOnce(parts.length === 1 ? parts[0]! : concat(...parts));
      const digest = createHash('sha256');
      for (const part of parts) digest.update(part);
      return plain(digest.digest());
    },

    blake3: (data) => blake3(data),
    randomBytes: (length) => plain(randomBytes(length)),
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  };
}
