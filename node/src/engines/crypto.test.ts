import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cryptoPortTest } from './crypto.port-test.ts';
import { nodeCrypto } from './crypto.ts';

cryptoPortTest(nodeCrypto);

describe('node crypto', () => {
  it('names the real scheme', () => expect(nodeCrypto().scheme).toBe('ml-dsa-65'));

  it('makes signatures that another ML-DSA-65 verifier accepts', async () => {
    const crypto = nodeCrypto();
    const key = crypto.signingKey();
    const message = new Uint8Array([1, 2, 3]);
    const publicKey = createPublicKey({ key: Buffer.from(key.publicKey), format: 'raw-public', asymmetricKeyType: 'ml-dsa-65' });
    expect(verify(null, message, publicKey, await crypto.sign(key, message))).toBe(true);
  });

  it('keeps verifying after more keys than it remembers', async () => {
    const crypto = nodeCrypto();
    const first = crypto.signingKey();
    const signature = await crypto.sign(first, new Uint8Array(1));
    for (let i = 0; i < 300; i++) await crypto.verify(crypto.signingKey().publicKey, new Uint8Array(1), signature);
    expect(await crypto.verify(first.publicKey, new Uint8Array(1), signature)).toBe(true);
  });

  it('leaves the event loop free while it signs and verifies, unless it is to stay on the calling thread', async () => {
    for (const synchronous of [false, true]) {
      const crypto = nodeCrypto({ synchronous });
      const key = crypto.signingKey(new Uint8Array(32).fill(9));
      let turned = false;
      setImmediate(() => (turned = true));
      const signatures = await Promise.all(Array.from({ length: 16 }, (_, index) => crypto.sign(key, Uint8Array.of(index))));
      expect(turned, 'signing').toBe(!synchronous);
      turned = false;
      setImmediate(() => (turned = true));
      const good = await Promise.all(signatures.map((signature, index) => crypto.verify(key.publicKey, Uint8Array.of(index), signature)));
      expect(good.every(Boolean)).toBe(true);
      expect(turned, 'verifying').toBe(!synchronous);
    }
  });

  it('gives plain byte arrays, not Buffers', async () => {
    const crypto = nodeCrypto();
    const key = crypto.signingKey();
    for (const part of [key.publicKey, key.seed, await crypto.sign(key, key.seed), crypto.sha256(key.seed), crypto.randomBytes(3)]) {
      expect(part.constructor).toBe(Uint8Array);
    }
  });
});
