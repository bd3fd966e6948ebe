import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { batchSigner, CheckedBatches } from './batch.ts';
import { toHex, utf8Bytes } from './bytes.ts';
import {
  CLOCK_SKEW_MS,
  MAX_DIRECT_BODY_BYTES,
  MAX_DIRECT_ENVELOPE_BYTES,
  MAX_KIND_BYTES,
  MAX_LIFETIME_MS,
  MAX_PUBLISH_ENVELOPE_BYTES,
  MAX_PUBLISH_PAYLOAD_BYTES,
  MAX_TO_BYTES,
} from './constants.ts';
import { decodeStrict, encodeStrict } from './encoding.ts';
import { EnvelopeError, envelopeSealer, inspectEnvelope, openEnvelope, sealEnvelope, verifyEnvelope } from './envelope.ts';
import type { EnvelopeReason } from './envelope.ts';
import { idOfKey, parseNetworkId } from './ids.ts';

const seed = { seed: 20261121 };
const key = crypto.signingKey(new Uint8Array(32).fill(1));
const network = parseNetworkId('11'.repeat(32));
const now = 1_800_000_000_000;
const limits = { now, network, maxBytes: 400_000, kinds: ['publish', 'direct'] };
const fields = { kind: 'publish', network, to: 'news', payload: utf8Bytes('hello'), issued: now, expires: now + 60_000 };

const reasonOf = (bytes: Uint8Array, changed: Partial<typeof limits> = {}) =>
  openEnvelope(crypto, bytes, { ...limits, ...changed }).then(
    () => 'accepted',
    (error: unknown) => (error instanceof EnvelopeError ? error.code : error),
  );

type Parts = [unknown[], Uint8Array, Uint8Array, Uint8Array];

/** The sealed envelope with its decoded parts changed, signature kept. */
async function altered(change: (parts: Parts) => unknown): Promise<Uint8Array> {
  const parts = decodeStrict(await sealEnvelope(crypto, key, fields), 400_000) as Parts;
  return encodeStrict(change(parts) ?? parts);
}

describe('an envelope', () => {
  test('gives what was sealed, and who sealed it', async () => {
    const opened = await openEnvelope(crypto, await sealEnvelope(crypto, key, fields), limits);
    expect(opened.payload).toEqual(utf8Bytes('hello'));
    expect(opened.sender).toBe(idOfKey(crypto, key.publicKey));
    expect(opened.header).toMatchObject({ kind: 'publish', network, to: 'news', issued: now, expires: now + 60_000 });
    expect(opened.staleAfter).toBe(now + 60_000 + CLOCK_SKEW_MS);
  });

  test('carries any payload at every length of its head', async () => {
    const lengths = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 262_144];
    for (const length of lengths) {
      const payload = new Uint8Array(length).fill(length);
      const opened = await openEnvelope(crypto, await sealEnvelope(crypto, key, { ...fields, payload }), limits);
      expect(toHex(crypto.sha256(opened.payload))).toBe(toHex(crypto.sha256(payload)));
    }
  });

  test('adds no more than its declared overhead to the payload', async () => {
    const widest = { ...fields, kind: 'k'.repeat(MAX_KIND_BYTES), to: 't'.repeat(MAX_TO_BYTES), payload: new Uint8Array(MAX_DIRECT_BODY_BYTES) };
    expect((await sealEnvelope(crypto, key, widest)).length).toBeLessThanOrEqual(MAX_DIRECT_ENVELOPE_BYTES);
    expect(MAX_PUBLISH_ENVELOPE_BYTES - MAX_PUBLISH_PAYLOAD_BYTES).toBe(MAX_DIRECT_ENVELOPE_BYTES - MAX_DIRECT_BODY_BYTES);
  });

  test('lives two minutes unless told otherwise', async () => {
    const { expires: _, ...rest } = fields;
    const { header } = await openEnvelope(crypto, await sealEnvelope(crypto, key, rest), limits);
    expect(header.expires - header.issued).toBe(120_000);
  });

  test('sealed twice with the same content has two ids, and one sealer makes valid ones only', async () => {
    const seal = envelopeSealer(crypto, key, fields);
    const ids = await Promise.all([seal(fields), seal(fields)].map(async (bytes) => (await openEnvelope(crypto, await bytes, limits)).id));
    expect(new Set(ids).size).toBe(2);
  });

  test('has its id before its signature is checked, and the same after', async () => {
    const inspected = inspectEnvelope(crypto, await sealEnvelope(crypto, key, fields), limits);
    expect(inspected.id).toMatch(/^[0-9a-f]{64}$/);
    expect(inspected).not.toHaveProperty('payload');
    expect((await verifyEnvelope(crypto, inspected)).id).toBe(inspected.id);
  });

  test('keeps its id when its signature is replaced by another one of the same bytes', async () => {
    const bytes = await sealEnvelope(crypto, key, fields);
    const resigned = decodeStrict(bytes, 400_000) as Parts;
    resigned[3] = new Uint8Array(resigned[3].length);
    expect(inspectEnvelope(crypto, encodeStrict(resigned), limits).id).toBe(inspectEnvelope(crypto, bytes, limits).id);
  });

  test('is believed the same whether its sender signed it alone or with others, and whether checks are remembered or not', async () => {
    const seal = envelopeSealer(crypto, key, fields, batchSigner(crypto, key));
    const all = await Promise.all(['alone', 'one', 'two', 'three'].map((word) => seal({ ...fields, payload: utf8Bytes(word) })));
    const verifies: Uint8Array[] = [];
    const counting = { ...crypto, verify: (...of: Parameters<typeof crypto.verify>) => (verifies.push(of[1]), crypto.verify(...of)) };
    for (const checked of [undefined, new CheckedBatches(counting)]) {
      verifies.length = 0;
      const opened = await Promise.all(all.map((bytes) => verifyEnvelope(counting, inspectEnvelope(counting, bytes, limits), checked)));
      expect(opened.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['alone', 'one', 'two', 'three']);
      expect(new Set(opened.map(({ id }) => id)).size).toBe(4);
      expect(verifies).toHaveLength(checked ? 2 : 4);
    }
    const checked = new CheckedBatches(crypto);
    for (const [index, value] of [utf8Bytes('other'), new Uint8Array(1 + 2 * 32)].entries()) {
      const parts = decodeStrict(all[2]!, 400_000) as Parts;
      parts[index + 1] = value;
      const inspected = inspectEnvelope(crypto, encodeStrict(parts), limits);
      await expect(verifyEnvelope(crypto, inspected, checked)).rejects.toMatchObject({ code: 'bad_signature' });
    }
    await verifyEnvelope(crypto, inspectEnvelope(crypto, all[2]!, limits), checked);
  });

  test('cannot be sealed with a kind or destination that nobody would read', () => {
    expect(() => envelopeSealer(crypto, key, { ...fields, kind: '' })).toThrow(/kind/);
    expect(() => envelopeSealer(crypto, key, { ...fields, kind: 'k'.repeat(33) })).toThrow(/kind/);
    expect(() => envelopeSealer(crypto, key, { ...fields, to: 'é'.repeat(129) })).toThrow(/to/);
  });
});

describe('an envelope is refused', () => {
  const headerIs = (index: number, value: unknown) => altered(([header]) => void (header[index] = value));
  const table: [what: string, EnvelopeReason, make: () => Promise<Uint8Array>, limits?: Partial<typeof limits>][] = [
    ['that is not CBOR', 'malformed', async () => Uint8Array.of(0xff, 0, 1)],
    ['that is empty', 'malformed', async () => new Uint8Array()],
    ['that is another value', 'malformed', async () => encodeStrict('envelope')],
    ['with two items', 'malformed', () => altered(([header, payload]) => [header, payload])],
    ['whose header is no list', 'malformed', () => altered(([, ...rest]) => ['header', ...rest])],
    ['whose header misses an item', 'malformed', () => altered(([header]) => void header.pop())],
    ['with a payload of text', 'malformed', () => altered(([header, , ...rest]) => [header, 'hello', ...rest])],
    ['without signature', 'malformed', () => altered(([header, payload, place]) => [header, payload, place, new Uint8Array()])],
    ['with a short nonce', 'malformed', () => headerIs(7, new Uint8Array(15))],
    ['with a negative time', 'malformed', () => headerIs(5, -1)],
    ['with a fraction of a millisecond', 'malformed', () => headerIs(5, 0.5)],
    ['with a kind of 33 bytes', 'malformed', () => headerIs(1, 'k'.repeat(33))],
    ['with a place that is cut', 'malformed', () => altered((parts) => void (parts[2] = new Uint8Array(32)))],
    ['with a place outside its tree', 'malformed', () => altered((parts) => void (parts[2] = new Uint8Array(33).fill(2)))],
    ['with a tree too deep', 'malformed', () => altered((parts) => void (parts[2] = new Uint8Array(1 + 7 * 32)))],
    ['said to be one of a batch', 'bad_signature', () => altered((parts) => void (parts[2] = new Uint8Array(33)))],
    ['with trailing bytes', 'malformed', async () => new Uint8Array([...(await sealEnvelope(crypto, key, fields)), 0])],
    ['of a later version', 'version', () => headerIs(0, 2)],
    ['of a later version with another header', 'version', () => altered(([, ...rest]) => [[2, 'new'], ...rest])],
    ['of a kind not expected', 'kind', () => sealEnvelope(crypto, key, { ...fields, kind: 'card' })],
    ['of another network', 'wrong_network', () => sealEnvelope(crypto, key, { ...fields, network: parseNetworkId('22'.repeat(32)) })],
    ['that expired', 'stale', () => sealEnvelope(crypto, key, fields), { now: now + 60_000 + CLOCK_SKEW_MS + 1 }],
    ['of the future', 'future', () => sealEnvelope(crypto, key, fields), { now: now - CLOCK_SKEW_MS - 1 }],
    ['that lives too long', 'lifetime', () => sealEnvelope(crypto, key, { ...fields, expires: now + MAX_LIFETIME_MS + 1 })],
    ['that expires as it is issued', 'lifetime', () => sealEnvelope(crypto, key, { ...fields, expires: now })],
    ['with another payload', 'bad_signature', () => altered(([header, , ...rest]) => [header, utf8Bytes('hullo'), ...rest])],
    ['with another destination', 'bad_signature', () => headerIs(4, 'olds')],
    ['with another sender', 'bad_signature', () => headerIs(3, crypto.signingKey(new Uint8Array(32).fill(2)).publicKey)],
    ['with a sender key that is none', 'bad_signature', () => headerIs(3, Uint8Array.of(1))],
  ];
  test.each(table)('%s: %s', async (_what, reason, make, changed) => {
    expect(await reasonOf(await make(), changed)).toBe(reason);
  });

  test('one byte over the bound, and not at it', async () => {
    const bytes = await sealEnvelope(crypto, key, fields);
    expect(await reasonOf(bytes, { maxBytes: bytes.length })).toBe('accepted');
    expect(await reasonOf(bytes, { maxBytes: bytes.length - 1 })).toBe('oversize');
  });

  test('in a form that another encoder would write', async () => {
    const bytes = await sealEnvelope(crypto, key, { ...fields, to: 'x' });
    // The text "x" as 0x78 0x01 0x78 says the same in one byte more.
    const at = Buffer.from(bytes).indexOf(Buffer.from([0x61, 0x78, 0x1b]));
    const longer = new Uint8Array([...bytes.subarray(0, at), 0x78, 0x01, ...bytes.subarray(at + 1)]);
    expect(await reasonOf(longer)).toBe('malformed');
  });

  test('when it says a number as a float', async () => {
    const bytes = await altered(([header]) => void (header[5] = 1.5));
    const at = Buffer.from(bytes).indexOf(Buffer.from('fb3ff8000000000000', 'hex'));
    bytes.set(Buffer.from('fb3ff0000000000000', 'hex'), at);
    expect(await reasonOf(bytes)).toBe('non_canonical');
  });

  test('for the first cause in order, before anybody checks a signature', async () => {
    const never = { ...crypto, verify: () => Promise.reject(new Error('verified too early')) };
    const bytes = await sealEnvelope(crypto, key, { ...fields, kind: 'card', network: parseNetworkId('22'.repeat(32)), expires: now });
    await expect(openEnvelope(never, bytes, limits)).rejects.toMatchObject({ code: 'kind' });
    await expect(openEnvelope(never, bytes, { ...limits, kinds: ['card'] })).rejects.toMatchObject({ code: 'wrong_network' });
  });

  test('exactly outside the window that the limits give', async () => {
    const bytes = await sealEnvelope(crypto, key, fields);
    const at = (time: number) => reasonOf(bytes, { now: time });
    expect(await at(now - CLOCK_SKEW_MS)).toBe('accepted');
    expect(await at(now + 60_000 + CLOCK_SKEW_MS)).toBe('accepted');
    const strict = { ...limits, skewMs: 0, maxLifetimeMs: 60_000 };
    expect(await reasonOf(bytes, strict)).toBe('accepted');
    expect(await reasonOf(bytes, { ...strict, now: now - 1 } as typeof limits)).toBe('future');
    expect(await reasonOf(bytes, { ...limits, maxLifetimeMs: 59_999 } as typeof limits)).toBe('lifetime');
  });

  test('whichever of its bits is changed', async () => {
    const bytes = await sealEnvelope(crypto, key, fields);
    const law = fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (index, bit) => {
      const changed = bytes.slice();
      changed[index]! ^= 1 << bit;
      expect(await reasonOf(changed)).not.toBe('accepted');
    });
    await fc.assert(law, { ...seed, numRuns: 200 });
  });

  test('as an EnvelopeError, whatever the bytes are', async () => {
    const law = fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await expect(openEnvelope(crypto, bytes, limits)).rejects.toBeInstanceOf(EnvelopeError);
    });
    await fc.assert(law, { ...seed, numRuns: 300 });
  });

  test('but a fault of the cryptography is not blamed on the envelope', async () => {
    const broken = { ...crypto, verify: () => Promise.reject(new TypeError('worker lost')) };
    await expect(openEnvelope(broken, await sealEnvelope(crypto, key, fields), limits)).rejects.toThrow(TypeError);
  });
});
