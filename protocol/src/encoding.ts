/** Deterministic DAG-CBOR: one byte string per value, and nothing else is accepted for it. */
import { decode, encode } from '@ipld/dag-cbor';
import { bytesEqual, survivesUtf8, utf8Length } from './bytes.ts';
import { ProtocolError } from './errors.ts';
import type { Once } from './once.ts';

export type EncodingErrorCode = 'oversize' | 'malformed' | 'non_canonical' | 'bad_shape';

export class EncodingError extends ProtocolError<EncodingErrorCode> {
  override readonly name = 'EncodingError';
}

/** Throws `EncodingError` (`malformed`) for what the data model does not have: undefined, NaN, infinities. */
export function encodeStrict(value: unknown): Uint8Array {
  try {
    return encode(value);
  } catch (error) {
    throw new EncodingError('malformed', `not encodable: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Size bound, decode, re-encode, compare: what another encoder would have written differently is refused, so that
 * equal content always has equal bytes. Throws `EncodingError` (`oversize`, `malformed`, `non_canonical`).
 */
export function decodeStrict(bytes: Uint8Array, maxBytes: number): unknown {
  bounded(bytes, maxBytes);
  let value: unknown;
  let again: Uint8Array;
  try {
    value = decode(bytes);
    again = encode(value);
  } catch (error) {
    // Includes the stack overflow of absurd nesting: the size bound keeps that cheap.
    throw new EncodingError('malformed', `not decodable: ${(error as Error).message}`, { cause: error });
  }
  if (!bytesEqual(bytes, again)) throw new EncodingError('non_canonical', 'does not re-encode to the same bytes');
  return value;
}

function bounded(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length > maxBytes) throw new EncodingError('oversize', `${bytes.length} bytes, at most ${maxBytes} allowed`);
  return bytes;
}

/** For what leaves here: nothing that the other end would refuse. It need not be decoded for that: what `read` makes of the fields is what `decode` would. */
export function encodeChecked<T extends object>(
  fields: readonly unknown[],
  maxBytes: number,
  decode: Once<Uint8Array, T>,
  read: (fields: unknown) => T,
): Uint8Array {
  const bytes = bounded(encodeStrict(fields), maxBytes);
  decode.is(bytes, read(fields));
  return bytes;
}

/** Runs `read`, giving its `EncodingError` the type that the caller's own callers know. */
export function translated<T>(read: () => T, translate: (error: EncodingError) => Error): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof EncodingError ? translate(error) : error;
  }
}

// Readers for decoded values: each gives the typed value, or throws `EncodingError` (`bad_shape`) with the field's name.

function badShape(name: string, wanted: string): never {
  throw new EncodingError('bad_shape', `${name}: ${wanted} expected`);
}

/** An array of exactly `length` items. */
export function readTuple(value: unknown, name: string, length: number): readonly unknown[] {
  return Array.isArray(value) && value.length === length ? value : badShape(name, `${length} items`);
}

export function readList(value: unknown, name: string, maxLength: number): readonly unknown[] {
  return Array.isArray(value) && value.length <= maxLength ? value : badShape(name, `at most ${maxLength} items`);
}

export function readMap(value: unknown, name: string): Readonly<Record<string, unknown>> {
  const plain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return plain ? (value as Record<string, unknown>) : badShape(name, 'a map');
}

export function readBytes(value: unknown, name: string, min: number, max = min): Uint8Array {
  const good = value instanceof Uint8Array && value.length >= min && value.length <= max;
  return good ? value : badShape(name, min === max ? `${min} bytes` : `${min} to ${max} bytes`);
}

/** Text of `min` to `max` bytes in UTF-8, which is the same text for whoever reads those. */
export function readText(value: unknown, name: string, min: number, max: number): string {
  if (typeof value !== 'string' || !survivesUtf8(value)) return badShape(name, 'text of whole characters, without a byte order mark in front,');
  const length = utf8Length(value);
  return length >= min && length <= max ? value : badShape(name, `${min} to ${max} bytes of text`);
}

/** A whole number from 0 to 2^53 - 1. */
export function readCount(value: unknown, name: string): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : badShape(name, 'a whole number');
}
