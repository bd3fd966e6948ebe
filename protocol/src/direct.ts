/** What a direct message's envelope carries: [request id (16), logical id or null, payload]. */
import { toHex } from './bytes.ts';
import { MAX_DIRECT_BODY_BYTES, MAX_DIRECT_PAYLOAD_BYTES, MAX_LOGICAL_ID_BYTES, REQUEST_ID_BYTES } from './constants.ts';
import type { Crypto } from './crypto.ts';
import { decodeStrict, encodeStrict, readBytes, readText, readTuple } from './encoding.ts';

export interface DirectBody {
  /** 16 bytes; the same on every retry, so that a receiver can tell one from another message */
  readonly requestId: Uint8Array;
  /** the caller's own id, 1 to 128 bytes: equal ones of one sender are one message */
  readonly logicalId?: string;
  /** up to 640 KiB */
  readonly payload: Uint8Array;
}

/** Throws `EncodingError` (`bad_shape`) naming the field that is out of bounds. */
export function encodeDirectBody(body: DirectBody): Uint8Array {
  const { requestId, logicalId, payload } = checkFields(body.requestId, body.logicalId ?? null, body.payload);
  return encodeStrict([requestId, logicalId ?? null, payload]);
}

/** Throws `EncodingError`. */
export function decodeDirectBody(bytes: Uint8Array): DirectBody {
  const [requestId, logicalId, payload] = readTuple(decodeStrict(bytes, MAX_DIRECT_BODY_BYTES), 'direct body', 3);
  return checkFields(requestId, logicalId, payload);
}

function checkFields(requestId: unknown, logicalId: unknown, payload: unknown): DirectBody {
  return {
    requestId: readBytes(requestId, 'request_id', REQUEST_ID_BYTES),
    ...(logicalId !== null && { logicalId: readText(logicalId, 'logical_id', 1, MAX_LOGICAL_ID_BYTES) }),
    payload: readBytes(payload, 'payload', 0, MAX_DIRECT_PAYLOAD_BYTES),
  };
}

/** First 16 hex of BLAKE3(payload): pairs a send with its receipt in traces and reports. */
export function payloadDigest(crypto: Crypto, payload: Uint8Array): string {
  return toHex(crypto.blake3(payload).subarray(0, 8));
}
