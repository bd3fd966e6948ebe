import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { fromHex, utf8Bytes } from './bytes.ts';
import { MAX_DIRECT_BODY_BYTES, MAX_DIRECT_PAYLOAD_BYTES, MAX_PUBLISH_PAYLOAD_BYTES } from './constants.ts';
import { decodeDirectBody, encodeDirectBody, payloadDigest } from './direct.ts';
import { EncodingError, encodeStrict } from './encoding.ts';
import { LANE_BULK, LANE_CONTROL } from './frames.ts';
import { decodeLinkMessage, encodeLinkMessage, LinkMessageError } from './link-messages.ts';
import type { LinkMessage } from './link-messages.ts';
import { checkPublishPayload, checkTopic, PublishError } from './publish.ts';
import { agentSignedBytes, DEFAULT_SIGN_CONTEXT, signAsAgent, SigningError, verifyAgentSignature } from './signing.ts';

const seed = { seed: 20261121 };
const requestId = new Uint8Array(16).fill(5);

describe('link messages', () => {
  const messages: LinkMessage[] = [
    { kind: 'hello', hello: Uint8Array.of(1) },
    { kind: 'ping', nonce: new Uint8Array(8) },
    { kind: 'pong', nonce: new Uint8Array(8).fill(1) },
    { kind: 'goodbye', reason: 'shutting down' },
    { kind: 'direct_ack', requestId, outcome: { kind: 'committed' } },
    { kind: 'direct_ack', requestId, outcome: { kind: 'rejected', reason: 'machine_mismatch' } },
    { kind: 'publish', envelope: Uint8Array.of(2) },
    { kind: 'direct', envelope: Uint8Array.of(3) },
    { kind: 'have', ids: ['ab'.repeat(32)] },
    { kind: 'want', ids: Array.from({ length: 512 }, (_, index) => index.toString(16).padStart(64, '0')) },
  ];

  test.each(messages)('come out as they went in: $kind', (message) => {
    const parts = encodeLinkMessage(message);
    expect(decodeLinkMessage(parts)).toEqual({ known: true, message });
    // As from elsewhere: nothing is known of these bytes.
    expect(decodeLinkMessage({ ...parts, body: parts.body.slice() })).toEqual({ known: true, message });
  });

  test('each have a place of their own, what is published or sent in bulk and the rest in control', () => {
    const places = new Map(messages.map((message) => [message.kind, encodeLinkMessage(message)]));
    expect(new Set([...places.values()].map(({ lane, type }) => `${lane}/${type}`)).size).toBe(places.size);
    for (const [kind, { lane }] of places) expect(lane).toBe(['publish', 'direct', 'have', 'want'].includes(kind) ? LANE_BULK : LANE_CONTROL);
  });

  test('of a later version are known to be unknown', () => {
    expect(decodeLinkMessage({ lane: LANE_CONTROL, type: 200, body: Uint8Array.of(1) })).toEqual({ known: false, lane: LANE_CONTROL, type: 200 });
    expect(decodeLinkMessage({ lane: 9, type: 1, body: new Uint8Array() }).known).toBe(false);
  });

  test('take a reason of a later version for a rejection', () => {
    const body = encodeStrict([requestId, 'out of coffee']);
    expect(decodeLinkMessage({ lane: LANE_CONTROL, type: 5, body })).toMatchObject({
      message: { outcome: { kind: 'rejected', reason: 'rejected' } },
    });
  });

  test.each([
    ['an empty hello', 1, ''],
    ['a short ping', 2, '00000000000000'],
    ['a long pong', 3, '000000000000000000'],
    ['a goodbye that is not UTF-8', 4, 'ff'],
    ['an acknowledgement of nothing', 5, '80'],
    ['an acknowledgement of a short id', 5, '8241006163'],
    ['an acknowledgement that is not CBOR', 5, 'ff'],
  ])('refuse %s', (_what, type, hex) => {
    expect(() => decodeLinkMessage({ lane: LANE_CONTROL, type, body: fromHex(hex) })).toThrow(LinkMessageError);
  });

  test('that nobody would read are not made', () => {
    expect(() => encodeLinkMessage({ kind: 'ping', nonce: new Uint8Array(7) })).toThrow(EncodingError);
    expect(() => encodeLinkMessage({ kind: 'goodbye', reason: 'x'.repeat(65) })).toThrow(EncodingError);
    expect(() => encodeLinkMessage({ kind: 'have', ids: [] })).toThrow(EncodingError);
    expect(() => encodeLinkMessage({ kind: 'want', ids: Array.from({ length: 513 }, () => 'ab'.repeat(32)) })).toThrow(EncodingError);
    for (const ids of [['ab'.repeat(31), 'ab'.repeat(33)], ['AB'.repeat(32)], ['xy'.repeat(32)]])
      expect(() => encodeLinkMessage({ kind: 'have', ids })).toThrow(EncodingError);
  });

  test.each([[''], ['ab'.repeat(31)], ['ab'.repeat(33)], ['ab'.repeat(32 * 513)]])('refuse ids that are no list of whole ones', (hex) => {
    for (const type of [3, 4]) expect(() => decodeLinkMessage({ lane: LANE_BULK, type, body: fromHex(hex) })).toThrow(LinkMessageError);
  });
});

describe('a direct message', () => {
  test('comes out as it went in', () => {
    const body = fc.record({
      requestId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      logicalId: fc.option(fc.string({ minLength: 1, maxLength: 32 }), { nil: undefined }),
      payload: fc.uint8Array(),
    });
    fc.assert(
      fc.property(body, (message) => {
        expect(decodeDirectBody(encodeDirectBody(message))).toEqual({ ...message });
      }),
      seed,
    );
  });

  test('may have 640 KiB and a logical id of 128 bytes, not a byte more', () => {
    const largest = { requestId, logicalId: 'é'.repeat(64), payload: new Uint8Array(MAX_DIRECT_PAYLOAD_BYTES) };
    const bytes = encodeDirectBody(largest);
    expect(bytes.length).toBeLessThanOrEqual(MAX_DIRECT_BODY_BYTES);
    expect(decodeDirectBody(bytes).payload.length).toBe(MAX_DIRECT_PAYLOAD_BYTES);
    expect(() => encodeDirectBody({ ...largest, payload: new Uint8Array(MAX_DIRECT_PAYLOAD_BYTES + 1) })).toThrow('payload');
    expect(() => encodeDirectBody({ ...largest, logicalId: `${largest.logicalId}x` })).toThrow('logical_id');
    expect(() => encodeDirectBody({ ...largest, logicalId: '' })).toThrow('logical_id');
    expect(() => encodeDirectBody({ ...largest, requestId: new Uint8Array(15) })).toThrow('request_id');
  });

  test.each([[[requestId, null]], [[requestId, 7, requestId]], ['text'], [[requestId, null, 'text']]])('refuses %j', (value) => {
    expect(() => decodeDirectBody(encodeStrict(value))).toThrow(EncodingError);
  });

  test('is traced by the first 16 hex of BLAKE3', () => {
    expect(payloadDigest(crypto, new Uint8Array())).toBe('af1349b9f5f9a1a6'); // the hash of nothing, from the BLAKE3 paper's vectors
  });
});

describe('a publication', () => {
  test('needs a topic of 1 to 256 bytes and a payload of at most 256 KiB', () => {
    checkTopic('t'.repeat(256));
    checkPublishPayload(new Uint8Array(MAX_PUBLISH_PAYLOAD_BYTES));
    expect(() => checkTopic('')).toThrow('topic must not be empty');
    expect(() => checkTopic('é'.repeat(129))).toThrow(PublishError);
    expect(() => checkPublishPayload(new Uint8Array(MAX_PUBLISH_PAYLOAD_BYTES + 1))).toThrow(PublishError);
  });
});

describe("an agent's detached signature", () => {
  const key = crypto.signingKey(new Uint8Array(32).fill(1));
  const payload = utf8Bytes('minutes of the meeting');

  test('holds for its payload, context and key only', async () => {
    const signature = await signAsAgent(crypto, key, payload, 'board.v1');
    const check = (what: Uint8Array, context?: string, by = key) => verifyAgentSignature(crypto, by.publicKey, what, signature, context);
    expect(await check(payload, 'board.v1')).toBe(true);
    expect(await check(payload)).toBe(false);
    expect(await check(payload, 'board.v2')).toBe(false);
    expect(await check(utf8Bytes('minutes'), 'board.v1')).toBe(false);
    expect(await check(payload, 'board.v1', crypto.signingKey(new Uint8Array(32).fill(2)))).toBe(false);
  });

  test('has a context even when the caller names none', () => {
    expect(agentSignedBytes(payload)).toEqual(agentSignedBytes(payload, DEFAULT_SIGN_CONTEXT));
  });

  test.each(['', 'x'.repeat(256), 'a\0b', 'line\n', 'muster-envelope-v1', 'muster-hello-v1', 'x0x-agent-cert-v1', 'x0x-agent-cert-v1 and more'])(
    'refuses the context %j',
    (context) => {
      expect(() => agentSignedBytes(payload, context)).toThrow(SigningError);
    },
  );

  test('never covers bytes that the protocol signs, whatever context and payload are', () => {
    const reserved = ['muster-envelope-v1\0', 'muster-hello-v1\0', 'muster-card-v1\0', 'x0x-agent-cert-v1'].map((name) => Buffer.from(name));
    const cut = fc.nat(20).chain((at) => fc.constantFrom(...reserved).map((name) => [name.subarray(0, at).toString(), name.subarray(at)] as const));
    const law = fc.property(cut, fc.uint8Array(), ([context, rest], tail) => {
      let signed: Uint8Array;
      try {
        signed = agentSignedBytes(Uint8Array.from([...rest, ...tail]), context);
      } catch (error) {
        expect(error).toBeInstanceOf(SigningError);
        return;
      }
      for (const name of reserved) expect(Buffer.from(signed.subarray(0, name.length)).equals(name)).toBe(false);
    });
    fc.assert(law, { ...seed, numRuns: 500 });
  });

  test('covers at most 256 KiB', () => {
    expect(() => agentSignedBytes(new Uint8Array(256 * 1024 + 1))).toThrow(SigningError);
  });
});
