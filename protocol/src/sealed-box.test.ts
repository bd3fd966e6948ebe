import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { EncodingError, encodeStrict } from './encoding.ts';
import { parseAgentId, parseNetworkId } from './ids.ts';
import { decodeLetter, encodeLetter, inboxTopic } from './letter.ts';
import { openBox, sealBox, SealedBoxError } from './sealed-box.ts';

const [network, sender, recipient] = [parseNetworkId('11'.repeat(32)), parseAgentId('aa'.repeat(32)), parseAgentId('bb'.repeat(32))];
const route = { network, sender, recipient };
const key = crypto.kemKey(new Uint8Array(64).fill(7));
const seal = (id: Uint8Array, content: Uint8Array) => sealBox(crypto, key.publicKey, route, id, content);
const open = (box: Uint8Array, by = route) => openBox(crypto, key, by, box, 4_096);
const options = { seed: 20261121, numRuns: 60 };
const id16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

test('a box gives back what was put in, to its recipient', () => {
  fc.assert(
    fc.property(id16, fc.uint8Array({ maxLength: 4_096 }), (id, content) => {
      expect(open(seal(id, content))).toEqual({ id, content });
    }),
    options,
  );
});

test('whatever bit is changed, the box does not open', () => {
  const box = seal(new Uint8Array(16).fill(1), new Uint8Array(64).fill(2));
  fc.assert(
    fc.property(fc.nat(box.length * 8 - 1), (bit) => {
      const changed = box.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => open(changed)).toThrow(SealedBoxError);
    }),
    { ...options, numRuns: 300 },
  );
});

test('a box cannot be passed on as one’s own, or to somebody else', () => {
  const box = seal(new Uint8Array(16), new Uint8Array(3));
  const other = parseAgentId('cc'.repeat(32));
  for (const by of [{ sender: other }, { recipient: other }, { network: parseNetworkId('22'.repeat(32)) }])
    expect(() => open(box, { ...route, ...by })).toThrow(expect.objectContaining({ code: 'not_opened' }));
});

test('what is no box and no letter is refused as such', () => {
  for (const bytes of [new Uint8Array(), Uint8Array.of(0xff), encodeStrict('box'), encodeStrict([])]) {
    expect(() => open(bytes)).toThrow(expect.objectContaining({ name: 'SealedBoxError', code: 'malformed' }));
    expect(() => decodeLetter(bytes)).toThrow(EncodingError);
  }
  expect(() => open(encodeStrict([2]))).toThrow(expect.objectContaining({ code: 'version' }));
  expect(() => decodeLetter(encodeStrict(['parcel']))).toThrow(EncodingError);
});

test('equal contents never look alike', () => {
  expect(seal(new Uint8Array(16), new Uint8Array(9))).not.toEqual(seal(new Uint8Array(16), new Uint8Array(9)));
});

test('letters come out as they went in, and every agent has a topic of its own', () => {
  for (const outcome of [{ kind: 'committed' }, { kind: 'rejected', reason: 'sealed' }] as const) {
    const ack = { kind: 'ack', requestId: new Uint8Array(16).fill(4), outcome } as const;
    expect(decodeLetter(encodeLetter(ack))).toEqual(ack);
  }
  const bytes = (length: number) => new Uint8Array(length).fill(length % 251);
  const message = { kind: 'message', envelope: bytes(900), kemKey: bytes(1_184), machineKey: bytes(1_952), machineSignature: bytes(3_309) } as const;
  expect(decodeLetter(encodeLetter(message))).toEqual(message);
  expect(inboxTopic(crypto, sender)).not.toBe(inboxTopic(crypto, recipient));
});
