/** The protocol's cryptography over `node:crypto`, for this room's tests and vectors; the daemon has its own engine. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  encapsulate,
  hkdfSync,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { blake3 } from '@noble/hashes/blake3.js';
import type { Crypto } from '../src/crypto.ts';

const SIGN = 'ml-dsa-65';
const KEM = 'ml-kem-768';

function privateKey(asymmetricKeyType: typeof SIGN | typeof KEM, seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(seed), format: 'raw-seed', asymmetricKeyType });
}

function publicKey(asymmetricKeyType: typeof SIGN | typeof KEM, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(raw), format: 'raw-public', asymmetricKeyType });
}

function keyPair(type: typeof SIGN | typeof KEM, seed: Uint8Array) {
  const raw = createPublicKey(privateKey(type, seed)).export({ format: 'raw-public' });
  return { publicKey: new Uint8Array(raw), seed };
}

/** Private keys by their seed object: importing one costs a key generation. */
const imported = new WeakMap<Uint8Array, KeyObject>();

function signingKeyObject(seed: Uint8Array): KeyObject {
  let key = imported.get(seed);
  if (!key) imported.set(seed, (key = privateKey(SIGN, seed)));
  return key;
}

export const nodeCrypto: Crypto = {
  scheme: SIGN,
  signingKey: (seed = randomBytes(32)) => keyPair(SIGN, seed),
  sign: async (key, message) => new Uint8Array(sign(null, message, signingKeyObject(key.seed))),
  verify: async (key, message, signature) => {
    try {
      return verify(null, message, publicKey(SIGN, key), signature);
    } catch {
      return false;
    }
  },
  kemKey: (seed = randomBytes(64)) => keyPair(KEM, seed),
  encapsulate: (key) => {
    const { sharedKey, ciphertext } = encapsulate(publicKey(KEM, key));
    return { ciphertext: new Uint8Array(ciphertext), secret: new Uint8Array(sharedKey) };
  },
  decapsulate: (key, ciphertext) => new Uint8Array(decapsulate(privateKey(KEM, key.seed), ciphertext)),
  hkdf: (secret, salt, info, length) => new Uint8Array(hkdfSync('sha256', secret, salt, info, length)),
  seal: (key, nonce, content, associated) => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associated);
    return new Uint8Array(Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]));
  },
  open: (key, nonce, sealed, associated) => {
    const tagAt = sealed.length - 16;
    const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(associated).setAuthTag(sealed.subarray(tagAt));
    try {
      return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, tagAt)), decipher.final()]));
    } catch {
      return undefined;
    }
  },
  sha256: (...parts) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest());
  },
  blake3: (data) => blake3(data),
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
};
