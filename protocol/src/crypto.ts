/**
 * The cryptography that the protocol needs, passed in: real (`node:crypto`) in a daemon, a marked test scheme in simulation.
 * All byte strings are `Uint8Array`. Sizes below are those of the real scheme (FIPS 203, 204).
 */

/** Opaque to the protocol: a private key that only its provider can use. */
export interface SigningKey {
  /** raw ML-DSA-65 public key, 1,952 bytes */
  readonly publicKey: Uint8Array;
  /** 32 bytes from which the key pair is derived; secret */
  readonly seed: Uint8Array;
}

export interface KemKey {
  /** raw ML-KEM-768 public key, 1,184 bytes */
  readonly publicKey: Uint8Array;
  /** 64 bytes; secret */
  readonly seed: Uint8Array;
}

export interface Crypto {
  /** `ml-dsa-65` is real; any other name is a test scheme and must be named in evidence */
  readonly scheme: string;
  /** fresh key pair, or the one of a 32-byte seed */
  signingKey(seed?: Uint8Array): SigningKey;
  /** signature, 3,309 bytes, randomised in the real scheme; may run on another thread */
  sign(key: SigningKey, message: Uint8Array): Promise<Uint8Array>;
  /** false for a wrong signature and for a malformed key or signature; never throws; may run on another thread */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** fresh key pair, or the one of a 64-byte seed */
  kemKey(seed?: Uint8Array): KemKey;
  /** ciphertext 1,088 bytes, secret 32 bytes; throws on a malformed public key */
  encapsulate(publicKey: Uint8Array): { ciphertext: Uint8Array; secret: Uint8Array };
  /** an unrelated secret for a ciphertext that was changed (implicit rejection); throws on one of another length */
  decapsulate(key: KemKey, ciphertext: Uint8Array): Uint8Array;
  /** HKDF-SHA-256 (RFC 5869) */
  hkdf(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** AES-256-GCM (NIST SP 800-38D): ciphertext and 16 bytes of tag; key 32 bytes, nonce 12, never twice with one key */
  seal(key: Uint8Array, nonce: Uint8Array, content: Uint8Array, associated: Uint8Array): Uint8Array;
  /** what was sealed; undefined when anything differs */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined;
  sha256(...parts: Uint8Array[]): Uint8Array;
  /** BLAKE3, 32 bytes; the compatible API's trace digest */
  blake3(data: Uint8Array): Uint8Array;
  /** secret random bytes */
  randomBytes(length: number): Uint8Array;
  /** constant time; false when the lengths differ */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}
