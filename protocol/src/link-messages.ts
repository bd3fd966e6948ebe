/** The messages on a link, each with its lane, its number on the wire and one strict form. */
import { fromHex, ownPart, toHex, utf8Bytes } from './bytes.ts';
import {
  MAX_BULK_MESSAGE_BYTES,
  ID_BYTES,
  MAX_HELLO_BYTES,
  MAX_IDS,
  MAX_PUBLISH_ENVELOPE_BYTES,
  MAX_REASON_BYTES,
  PING_NONCE_BYTES,
  REQUEST_ID_BYTES,
} from './constants.ts';
import { decodeStrict, EncodingError, encodeStrict, readBytes, readText, readTuple, translated } from './encoding.ts';
import { ProtocolError } from './errors.ts';
import { LANE_BULK, LANE_CONTROL } from './frames.ts';
import { decodeOverlayControl, encodeOverlayControl } from './overlay-messages.ts';
import type { OverlayControl } from './overlay-messages.ts';
import { decodePresenceControl, encodePresenceControl } from './presence-messages.ts';
import type { PresenceControl } from './presence-messages.ts';
import { once } from './once.ts';

/** Why a recipient did not take a direct message. Others may follow: treat an unknown one as `rejected`. */
export type RejectReason =
  | 'blocked'
  | 'machine_mismatch'
  | 'expired'
  | 'clock' // issued later than the recipient's clock says it is, or meant to live longer than allowed
  | 'malformed'
  | 'sealed' // its box does not open
  | 'storage'
  | 'not_here'
  | 'too_large'
  | 'rejected';

export type DirectOutcome = { readonly kind: 'committed' } | { readonly kind: 'rejected'; readonly reason: RejectReason };

/**
 * `nonce` is 8 bytes. `envelope` is verified by whoever takes it. `hello` is read by `readHello`.
 * `have` names published messages that the sender can pass on, `want` asks for some of them: 1 to 512 envelope ids.
 */
export type LinkMessage =
  | { readonly kind: 'hello'; readonly hello: Uint8Array }
  | { readonly kind: 'ping'; readonly nonce: Uint8Array }
  | { readonly kind: 'pong'; readonly nonce: Uint8Array }
  | { readonly kind: 'goodbye'; readonly reason: string }
  | { readonly kind: 'direct_ack'; readonly requestId: Uint8Array; readonly outcome: DirectOutcome }
  | { readonly kind: 'overlay'; readonly control: OverlayControl }
  | { readonly kind: 'presence'; readonly control: PresenceControl }
  | { readonly kind: 'publish'; readonly envelope: Uint8Array }
  | { readonly kind: 'have'; readonly ids: readonly string[] }
  | { readonly kind: 'want'; readonly ids: readonly string[] }
  | { readonly kind: 'direct'; readonly envelope: Uint8Array };

export class LinkMessageError extends ProtocolError<'malformed'> {
  override readonly name = 'LinkMessageError';
}

/** A whole message: one control frame, or the bulk frames of it put together. */
export interface LinkParts {
  readonly lane: number;
  readonly type: number;
  readonly body: Uint8Array;
}

/** `known: false` is to be counted and ignored: a later version says things that this one need not understand. */
export type DecodedLinkMessage =
  | { readonly known: true; readonly message: LinkMessage }
  | { readonly known: false; readonly lane: number; readonly type: number };

type Kind = LinkMessage['kind'];
type MessageOf<K extends Kind> = Extract<LinkMessage, { kind: K }>;

interface Form<K extends Kind> {
  readonly lane: number;
  readonly type: number;
  encode(message: MessageOf<K>): Uint8Array;
  decode(body: Uint8Array): MessageOf<K>;
}

const REJECT_REASONS: readonly string[] = [
  'blocked',
  'machine_mismatch',
  'expired',
  'clock',
  'malformed',
  'sealed',
  'storage',
  'not_here',
  'too_large',
  'rejected',
] satisfies RejectReason[];

/** One word for it. */
export function outcomeCode(outcome: DirectOutcome): string {
  return outcome.kind === 'committed' ? 'committed' : outcome.reason;
}

/** Throws `EncodingError` (`bad_shape`). */
export function readOutcome(value: unknown): DirectOutcome {
  const code = readText(value, 'outcome', 1, MAX_REASON_BYTES);
  if (code === 'committed') return { kind: 'committed' };
  return { kind: 'rejected', reason: REJECT_REASONS.includes(code) ? (code as RejectReason) : 'rejected' };
}

function encodeAck({ requestId, outcome }: MessageOf<'direct_ack'>): Uint8Array {
  return encodeStrict([readBytes(requestId, 'request_id', REQUEST_ID_BYTES), outcomeCode(outcome)]);
}

function decodeAck(body: Uint8Array): MessageOf<'direct_ack'> {
  const [requestId, code] = readTuple(decodeStrict(body, 256), 'direct_ack', 2);
  return { kind: 'direct_ack', requestId: readBytes(requestId, 'request_id', REQUEST_ID_BYTES), outcome: readOutcome(code) };
}

const LOWER_HEX = /^[0-9a-f]*$/;

/** Ids one after the other, 32 bytes each. */
function encodeIds(ids: readonly string[]): Uint8Array {
  const text = ids.join('');
  const good = ids.every(({ length }) => length === 2 * ID_BYTES) && LOWER_HEX.test(text);
  if (!good) throw new EncodingError('bad_shape', `ids: ${2 * ID_BYTES} lower-case hex characters each expected`);
  const body = readBytes(fromHex(text), 'ids', ID_BYTES, MAX_IDS * ID_BYTES);
  decodeIds.is(body, [...ids]);
  return body;
}

const decodeIds = once((body: Uint8Array): readonly string[] => {
  readBytes(body, 'ids', ID_BYTES, MAX_IDS * ID_BYTES);
  if (body.length % ID_BYTES !== 0) throw new EncodingError('bad_shape', `ids: ${body.length} bytes are not a multiple of ${ID_BYTES}`);
  return Array.from({ length: body.length / ID_BYTES }, (_, index) => toHex(ownPart(body, index * ID_BYTES, (index + 1) * ID_BYTES)));
});

const FORMS: { readonly [K in Kind]: Form<K> } = {
  hello: {
    lane: LANE_CONTROL,
    type: 1,
    encode: ({ hello }) => readBytes(hello, 'hello', 1, MAX_HELLO_BYTES),
    decode: (body) => ({ kind: 'hello', hello: readBytes(body, 'hello', 1, MAX_HELLO_BYTES) }),
  },
  ping: {
    lane: LANE_CONTROL,
    type: 2,
    encode: ({ nonce }) => readBytes(nonce, 'nonce', PING_NONCE_BYTES),
    decode: (body) => ({ kind: 'ping', nonce: readBytes(body, 'nonce', PING_NONCE_BYTES) }),
  },
  pong: {
    lane: LANE_CONTROL,
    type: 3,
    encode: ({ nonce }) => readBytes(nonce, 'nonce', PING_NONCE_BYTES),
    decode: (body) => ({ kind: 'pong', nonce: readBytes(body, 'nonce', PING_NONCE_BYTES) }),
  },
  goodbye: {
    lane: LANE_CONTROL,
    type: 4,
    encode: ({ reason }) => utf8Bytes(readText(reason, 'reason', 1, MAX_REASON_BYTES)),
    decode: (body) => ({ kind: 'goodbye', reason: readUtf8(readBytes(body, 'reason', 1, MAX_REASON_BYTES)) }),
  },
  direct_ack: { lane: LANE_CONTROL, type: 5, encode: encodeAck, decode: decodeAck },
  overlay: {
    lane: LANE_CONTROL,
    type: 6,
    encode: ({ control }) => encodeOverlayControl(control),
    decode: (body) => ({ kind: 'overlay', control: decodeOverlayControl(body) }),
  },
  presence: {
    lane: LANE_CONTROL,
    type: 9,
    encode: ({ control }) => encodePresenceControl(control),
    decode: (body) => ({ kind: 'presence', control: decodePresenceControl(body) }),
  },
  publish: {
    lane: LANE_BULK,
    type: 1,
    encode: ({ envelope }) => readBytes(envelope, 'envelope', 1, MAX_PUBLISH_ENVELOPE_BYTES),
    decode: (body) => ({ kind: 'publish', envelope: readBytes(body, 'envelope', 1, MAX_PUBLISH_ENVELOPE_BYTES) }),
  },
  have: { lane: LANE_BULK, type: 3, encode: ({ ids }) => encodeIds(ids), decode: (body) => ({ kind: 'have', ids: decodeIds(body) }) },
  want: { lane: LANE_BULK, type: 4, encode: ({ ids }) => encodeIds(ids), decode: (body) => ({ kind: 'want', ids: decodeIds(body) }) },
  direct: {
    lane: LANE_BULK,
    type: 2,
    encode: ({ envelope }) => readBytes(envelope, 'envelope', 1, MAX_BULK_MESSAGE_BYTES),
    decode: (body) => ({ kind: 'direct', envelope: readBytes(body, 'envelope', 1, MAX_BULK_MESSAGE_BYTES) }),
  },
};

const numberOf = (lane: number, type: number): number => lane * 256 + type;
const BY_NUMBER = new Map(Object.values(FORMS).map((form) => [numberOf(form.lane, form.type), form]));

/** Throws `EncodingError` (`bad_shape`) for a field out of its bounds. */
export function encodeLinkMessage(message: LinkMessage): LinkParts {
  const form = FORMS[message.kind] as Form<Kind>;
  return { lane: form.lane, type: form.type, body: form.encode(message) };
}

/** Throws `LinkMessageError` for a known message in a wrong form: the peer broke the protocol. */
export function decodeLinkMessage({ lane, type, body }: LinkParts): DecodedLinkMessage {
  const form = BY_NUMBER.get(numberOf(lane, type));
  if (!form) return { known: false, lane, type };
  const message = translated(
    () => form.decode(body),
    (error) => new LinkMessageError('malformed', error.message, { cause: error }),
  );
  return { known: true, message };
}

function readUtf8(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (error) {
    throw new EncodingError('malformed', 'reason: not UTF-8', { cause: error });
  }
}
