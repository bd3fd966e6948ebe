/**
 * The one signed envelope for everything nodes say to one another.
 *
 * header  = [version, kind, network id (32), sender key, to, issued ms, expires ms, nonce (16)]
 * signed  = "muster-envelope-v1" NUL ‖ encoding(header) ‖ SHA-256(payload)
 * id      = SHA-256(signed)
 * wire    = encoding([header, payload, place, signature]); the signature is over `signed`, or over a batch of them (`batch.ts`)
 *
 * The id is known before the signature is checked, so duplicates can be dropped first; the payload only after.
 */
import { endorsedBytes, isPlace, singleSigner } from './batch.ts';
import type { CheckedBatches, Endorse } from './batch.ts';
import { concat, domain, toHex } from './bytes.ts';
import {
  CLOCK_SKEW_MS,
  DEFAULT_LIFETIME_MS,
  ENVELOPE_VERSION,
  ID_BYTES,
  MAX_KIND_BYTES,
  MAX_LIFETIME_MS,
  MAX_PLACE_BYTES,
  MAX_TO_BYTES,
  NONCE_BYTES,
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
} from './constants.ts';
import type { Crypto, SigningKey } from './crypto.ts';
import { decodeStrict, encodeStrict, readBytes, readCount, readText, readTuple, translated } from './encoding.ts';
import { ProtocolError } from './errors.ts';
import { idBytes, idOfBytes, idOfKey } from './ids.ts';
import type { AgentId, NetworkId } from './ids.ts';
import { once } from './once.ts';

export type EnvelopeReason =
  | 'oversize'
  | 'malformed'
  | 'non_canonical'
  | 'version'
  | 'kind' // not one that is expected here
  | 'wrong_network'
  | 'stale' // expired, by more than the allowed skew
  | 'future' // issued later than now, by more than the allowed skew
  | 'lifetime' // longer than allowed, or expires before it was issued
  | 'bad_signature';

export class EnvelopeError extends ProtocolError<EnvelopeReason> {
  override readonly name = 'EnvelopeError';
}

export interface EnvelopeHeader {
  /** what the payload is: `publish`, `direct`, `announce` …; 1 to 32 bytes */
  readonly kind: string;
  readonly network: NetworkId;
  /** raw public key */
  readonly senderKey: Uint8Array;
  /** topic or recipient, up to 256 bytes; its meaning depends on the kind */
  readonly to: string;
  /** ms since the epoch */
  readonly issued: number;
  readonly expires: number;
  readonly nonce: Uint8Array;
}

export interface EnvelopeLimits {
  /** ms since the epoch */
  readonly now: number;
  readonly network: NetworkId;
  /** of the whole envelope */
  readonly maxBytes: number;
  readonly kinds: readonly string[];
  readonly skewMs?: number;
  readonly maxLifetimeMs?: number;
}

interface Sealed {
  readonly signed: Uint8Array;
  readonly payload: Uint8Array;
  readonly place: Uint8Array;
  readonly signature: Uint8Array;
}

let sealedOf: (envelope: InspectedEnvelope) => Sealed;

/** An envelope whose form and time are right and whose signature nobody has checked: it has no payload to give. */
export class InspectedEnvelope {
  /** 64 hex; equal exactly when the signed bytes are equal */
  readonly id: string;
  readonly header: EnvelopeHeader;
  /** claimed until verified */
  readonly sender: AgentId;
  /** ms since the epoch after which this envelope is stale here: how long a replay window must remember it */
  readonly staleAfter: number;
  readonly #sealed: Sealed;

  constructor(id: string, header: EnvelopeHeader, sender: AgentId, staleAfter: number, sealed: Sealed) {
    this.id = id;
    this.header = header;
    this.sender = sender;
    this.staleAfter = staleAfter;
    this.#sealed = sealed;
  }

  static {
    sealedOf = (envelope) => envelope.#sealed;
  }
}

export interface VerifiedEnvelope {
  readonly id: string;
  readonly header: EnvelopeHeader;
  readonly sender: AgentId;
  readonly staleAfter: number;
  readonly payload: Uint8Array;
}

const DOMAIN = domain('muster-envelope-v1');
const HEADER_ITEMS = 8;
const ARRAY_HEAD = 0x80;

export interface EnvelopeRoute {
  readonly kind: string;
  readonly network: NetworkId;
  readonly to: string;
}

export interface EnvelopeContent {
  readonly payload: Uint8Array;
  /** ms since the epoch */
  readonly issued: number;
  /** ms since the epoch; two minutes after `issued` when left out */
  readonly expires?: number;
}

/**
 * Seals many envelopes of one sender to one place: what they have in common (2 KB of key) is encoded once.
 * `endorse` signs: each one alone unless it is a `batchSigner` of the same key. Throws `EncodingError` for a kind or `to` outside its bounds.
 */
export function envelopeSealer(
  crypto: Crypto,
  key: SigningKey,
  route: EnvelopeRoute,
  endorse: Endorse = singleSigner(crypto, key),
): (content: EnvelopeContent) => Promise<Uint8Array> {
  readText(route.kind, 'kind', 1, MAX_KIND_BYTES);
  readText(route.to, 'to', 0, MAX_TO_BYTES);
  const common = concat(
    Uint8Array.of(ARRAY_HEAD | HEADER_ITEMS),
    ...[ENVELOPE_VERSION, route.kind, idBytes(route.network), key.publicKey, route.to].map(encodeStrict),
  );
  return async ({ payload, issued, expires = issued + DEFAULT_LIFETIME_MS }) => {
    const nonce = crypto.randomBytes(NONCE_BYTES);
    const header = concat(common, encodeStrict(issued), encodeStrict(expires), encodeStrict(nonce));
    const { place, signature } = await endorse(concat(DOMAIN, header, crypto.sha256(payload)));
    return concat(Uint8Array.of(ARRAY_HEAD | 4), header, ...[payload, place, signature].map(encodeStrict));
  };
}

/** Seals one envelope. */
export function sealEnvelope(crypto: Crypto, key: SigningKey, fields: EnvelopeRoute & EnvelopeContent): Promise<Uint8Array> {
  return envelopeSealer(crypto, key, fields)(fields);
}

/** Checks that need no signature, cheap ones first: size, encoding, version, kind, network, time. Throws `EnvelopeError`. */
export function inspectEnvelope(crypto: Crypto, bytes: Uint8Array, limits: EnvelopeLimits): InspectedEnvelope {
  if (bytes.length > limits.maxBytes) throw new EnvelopeError('oversize', `${bytes.length} bytes, at most ${limits.maxBytes} allowed`);
  const read = decodeEnvelope(bytes);
  const { header, payload, place, signature } = read;
  if (!limits.kinds.includes(header.kind)) throw new EnvelopeError('kind', `kind "${header.kind}" is not expected here`);
  if (header.network !== limits.network) throw new EnvelopeError('wrong_network', 'made for another network');
  const skewMs = limits.skewMs ?? CLOCK_SKEW_MS;
  checkTime(header, limits.now, skewMs, limits.maxLifetimeMs ?? MAX_LIFETIME_MS);

  const { id, sender, signed } = (read.hashes ??= hashesOf(crypto, bytes, read));
  return new InspectedEnvelope(id, header, sender, header.expires + skewMs, { signed, payload, place, signature });
}

interface Hashes {
  /** what is signed, alone or as one of a batch */
  readonly signed: Uint8Array;
  readonly id: string;
  readonly sender: AgentId;
}

function hashesOf(crypto: Crypto, bytes: Uint8Array, { header, payload, place, signature }: ReadEnvelope): Hashes {
  // The encoding was strict, so the header's bytes stand in the wire form between the outer head and the payload.
  const head = bytes.subarray(1, bytes.length - itemLength(payload) - itemLength(place) - itemLength(signature));
  const signed = concat(DOMAIN, head, crypto.sha256(payload));
  return { signed, id: toHex(crypto.sha256(signed)), sender: idOfKey<AgentId>(crypto, header.senderKey) };
}

/** Checks the signature and only then gives the payload; `checked` spares checking that of a batch again. Throws `EnvelopeError` (`bad_signature`). */
export async function verifyEnvelope(crypto: Crypto, inspected: InspectedEnvelope, checked?: CheckedBatches): Promise<VerifiedEnvelope> {
  const { signed, payload, ...endorsement } = sealedOf(inspected);
  const { id, header, sender, staleAfter } = inspected;
  const good = checked
    ? await checked.verify(header.senderKey, signed, endorsement)
    : await crypto.verify(header.senderKey, endorsedBytes(crypto, signed, endorsement.place), endorsement.signature);
  if (!good) throw new EnvelopeError('bad_signature', 'not signed by its sender');
  return { id, header, sender, staleAfter, payload };
}

/** `inspectEnvelope`, then `verifyEnvelope`: for callers that have no duplicates to drop in between. */
export async function openEnvelope(crypto: Crypto, bytes: Uint8Array, limits: EnvelopeLimits): Promise<VerifiedEnvelope> {
  return verifyEnvelope(crypto, inspectEnvelope(crypto, bytes, limits));
}

interface ReadEnvelope extends Pick<Sealed, 'payload' | 'place' | 'signature'> {
  readonly header: EnvelopeHeader;
  hashes: Hashes | undefined;
}

const decodeEnvelope = once((bytes: Uint8Array) =>
  translated(
    (): ReadEnvelope => {
      const [head, payload, place, signature] = readTuple(decodeStrict(bytes, bytes.length), 'envelope', 4);
      return {
        hashes: undefined,
        header: readHeader(head),
        payload: readBytes(payload, 'payload', 0, bytes.length),
        place: readPlace(place),
        signature: readBytes(signature, 'signature', 1, SIGNATURE_BYTES),
      };
    },
    (error) => new EnvelopeError(error.code === 'bad_shape' ? 'malformed' : error.code, error.message, { cause: error }),
  ),
);

function readPlace(value: unknown): Uint8Array {
  const place = readBytes(value, 'place', 0, MAX_PLACE_BYTES);
  if (!isPlace(place)) throw new EnvelopeError('malformed', 'place: its position is outside its tree');
  return place;
}

function readHeader(head: unknown): EnvelopeHeader {
  const version = readCount(Array.isArray(head) ? head[0] : undefined, 'version');
  // A later version may have another header, so its number alone decides before the rest is looked at.
  if (version !== ENVELOPE_VERSION) throw new EnvelopeError('version', `version ${version}, only ${ENVELOPE_VERSION} is known`);
  const [, kind, network, senderKey, to, issued, expires, nonce] = readTuple(head, 'header', HEADER_ITEMS);
  return {
    kind: readText(kind, 'kind', 1, MAX_KIND_BYTES),
    network: idOfBytes<NetworkId>(readBytes(network, 'network', ID_BYTES)),
    senderKey: readBytes(senderKey, 'sender key', 1, PUBLIC_KEY_BYTES),
    to: readText(to, 'to', 0, MAX_TO_BYTES),
    issued: readCount(issued, 'issued'),
    expires: readCount(expires, 'expires'),
    nonce: readBytes(nonce, 'nonce', NONCE_BYTES),
  };
}

function checkTime({ issued, expires }: EnvelopeHeader, now: number, skewMs: number, maxLifetimeMs: number): void {
  if (expires <= issued) throw new EnvelopeError('lifetime', 'expires before it was issued');
  if (expires - issued > maxLifetimeMs) throw new EnvelopeError('lifetime', `lives ${expires - issued} ms, at most ${maxLifetimeMs} allowed`);
  if (now > expires + skewMs) throw new EnvelopeError('stale', `expired ${now - expires} ms ago`);
  if (issued > now + skewMs) throw new EnvelopeError('future', `issued ${issued - now} ms ahead of this clock`);
}

/** Bytes of a byte string in CBOR with its head (RFC 8949 §3). */
function itemLength({ length }: Uint8Array): number {
  return length + (length < 24 ? 1 : length < 256 ? 2 : length < 65_536 ? 3 : 5);
}
