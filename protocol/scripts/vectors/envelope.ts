import type { Crypto } from '../../src/crypto.ts';
import { decodeStrict, encodeStrict } from '../../src/encoding.ts';
import { batchSigner } from '../../src/batch.ts';
import { envelopeSealer, inspectEnvelope, sealEnvelope } from '../../src/envelope.ts';
import type { EnvelopeReason } from '../../src/envelope.ts';
import type { VectorFile } from '../vectors.ts';
import { flipped, hex, keyOf, NETWORK, NOW_MS, OTHER_NETWORK, text } from './common.ts';

const MAX_BYTES = 16_384;
const KINDS = ['publish', 'direct'];

type Parts = [header: unknown[], payload: Uint8Array, place: Uint8Array, signature: Uint8Array];

export async function envelopeVectors(crypto: Crypto): Promise<VectorFile> {
  const key = keyOf(crypto, 1);
  const limits = { now: NOW_MS, network: NETWORK, maxBytes: MAX_BYTES, kinds: KINDS };
  const fields = { kind: 'publish', network: NETWORK, to: 'news', payload: text('hello'), issued: NOW_MS, expires: NOW_MS + 60_000 };
  const sealed = await sealEnvelope(crypto, key, fields);
  const direct = await sealEnvelope(crypto, key, { ...fields, kind: 'direct', to: '', payload: new Uint8Array(), expires: NOW_MS + 600_000 });

  // The first is signed alone, the three that gather meanwhile are signed together.
  const together = envelopeSealer(crypto, key, fields, batchSigner(crypto, key));
  const [, ...batch] = (await Promise.all(['alone', 'one', 'two', 'three'].map((word) => together({ ...fields, payload: text(word) })))) as [
    Uint8Array,
    ...[Uint8Array, Uint8Array, Uint8Array],
  ];
  const place = (change: (place: Uint8Array) => Uint8Array) =>
    changed(batch[1], (parts) => {
      parts[2] = change(parts[2]);
    });

  const valid = [sealed, direct, ...batch].map((wire) => {
    const { id, sender, staleAfter, header } = inspectEnvelope(crypto, wire, limits);
    const [, payload] = decodeStrict(wire, MAX_BYTES) as Parts;
    const { kind, network, to, issued, expires, nonce } = header;
    const expected = { id, sender, stale_after: staleAfter, kind, network, to, issued, expires, nonce: hex(nonce), payload: hex(payload) };
    return { valid: true, wire: hex(wire), ...expected };
  });
  const invalid = (what: string, reason: EnvelopeReason, wire: Uint8Array, now = NOW_MS) => ({ valid: false, what, reason, now, wire: hex(wire) });
  const header = (index: number, value: unknown) => changed(sealed, (parts) => parts[0].splice(index, 1, value));
  const seal = (other: Partial<typeof fields>) => sealEnvelope(crypto, key, { ...fields, ...other });

  return {
    about: `Signed envelopes, sender key from the seed 01*32. Judged with now = ${NOW_MS} (or the case's), network = 11*32, max_bytes = ${MAX_BYTES}, kinds = publish and direct, skew 30 s, lifetime at most 600 s.`,
    cases: [
      ...valid,
      invalid('longer than max_bytes', 'oversize', await seal({ payload: new Uint8Array(MAX_BYTES) })),
      invalid('not CBOR', 'malformed', Uint8Array.of(0xff)),
      invalid('a byte too many', 'malformed', new Uint8Array([...sealed, 0])),
      invalid('cut', 'malformed', sealed.slice(0, -1)),
      invalid('a nonce of 15 bytes', 'malformed', header(7, new Uint8Array(15))),
      invalid(
        'a header of 7 items',
        'malformed',
        changed(sealed, (parts) => parts[0].pop()),
      ),
      invalid('issued as a float with a whole value', 'non_canonical', wholeFloat(header(5, 1.5))),
      invalid(
        'a place without siblings',
        'malformed',
        place((it) => it.slice(0, 1)),
      ),
      invalid(
        'a position outside its tree',
        'malformed',
        place((it) => new Uint8Array([4, ...it.slice(1)])),
      ),
      invalid(
        'a tree of seven levels',
        'malformed',
        place((it) => new Uint8Array([...it, ...new Uint8Array(5 * 32)])),
      ),
      invalid('version 2', 'version', header(0, 2)),
      invalid('kind card', 'kind', await seal({ kind: 'card' })),
      invalid('network 22*32', 'wrong_network', await seal({ network: OTHER_NETWORK })),
      invalid('expired for 30 s and 1 ms', 'stale', sealed, NOW_MS + 90_001),
      invalid('issued in 30 s and 1 ms', 'future', sealed, NOW_MS - 30_001),
      invalid('lives 600 s and 1 ms', 'lifetime', await seal({ expires: NOW_MS + 600_001 })),
      invalid('expires when issued', 'lifetime', await seal({ expires: NOW_MS })),
      invalid(
        'another payload',
        'bad_signature',
        changed(sealed, (parts) => parts.splice(1, 1, text('hullo'))),
      ),
      invalid('another topic', 'bad_signature', header(4, 'olds')),
      invalid("another sender's key", 'bad_signature', header(3, keyOf(crypto, 2).publicKey)),
      invalid(
        'another position in its batch',
        'bad_signature',
        place((it) => new Uint8Array([2, ...it.slice(1)])),
      ),
      invalid(
        'one bit of a sibling',
        'bad_signature',
        place((it) => flipped(it, -1)),
      ),
      invalid(
        'one of a batch, said to be alone',
        'bad_signature',
        place(() => new Uint8Array()),
      ),
      invalid('one bit of the signature', 'bad_signature', flipped(sealed, -1)),
    ],
  };
}

function changed(wire: Uint8Array, change: (parts: Parts) => void): Uint8Array {
  const parts = decodeStrict(wire, MAX_BYTES) as Parts;
  change(parts);
  return encodeStrict(parts);
}

/** Turns the only 1.5 into 1.0, which the encoding would write as the integer 1. */
function wholeFloat(wire: Uint8Array): Uint8Array {
  const bytes = Buffer.from(wire);
  const at = bytes.indexOf(Buffer.from('fb3ff8000000000000', 'hex'));
  bytes.writeDoubleBE(1, at + 1);
  return bytes;
}
