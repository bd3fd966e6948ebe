import { ProtocolError } from './errors.ts';

export type TextFormErrorCode = 'bad_character' | 'odd_length' | 'bad_base64';

/** Text that is not hex or base64. `index` and `character` are set for `bad_character`. */
export class TextFormError extends ProtocolError<TextFormErrorCode> {
  override readonly name = 'TextFormError';
  readonly index: number | undefined;
  readonly character: string | undefined;

  constructor(code: TextFormErrorCode, message: string, index?: number, character?: string) {
    super(code, message);
    this.index = index;
    this.character = character;
  }
}

const utf8 = new TextEncoder();

export function utf8Bytes(text: string): Uint8Array {
  return utf8.encode(text);
}

/** Length in UTF-8; text from JSON may hold lone surrogates, which count as U+FFFD. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** Whether it is the same text again when it was sent: a lone surrogate is sent as U+FFFD, and decoders drop a byte order mark in front. */
export function survivesUtf8(text: string): boolean {
  return text.isWellFormed() && !text.startsWith('\uFEFF');
}

/** `name` and a NUL: starts everything that is signed, so that one kind of signature never passes for another. */
export function domain(name: string): Uint8Array {
  return utf8.encode(`${name}\0`);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * A typed array of so few bytes has no buffer of its own before somebody asks for it, and making one costs more than copying the bytes: V8 keeps
 * them in the object itself.
 */
const SMALL_BYTES = 64;

export const isSmall = (bytes: Uint8Array): boolean => bytes.length <= SMALL_BYTES;

/** `bytes.subarray(from, to)` without a larger buffer that they are a part of: 40 bytes that are kept would keep all of a 64 KiB read. */
export function ownPart(bytes: Uint8Array, from: number, to: number): Uint8Array {
  if (to - from > SMALL_BYTES) {
    const part = from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
    return part.buffer.byteLength > part.length + SMALL_BYTES ? new Uint8Array(part) : part;
  }
  const part = new Uint8Array(to - from);
  for (let at = from; at < to; at++) part[at - from] = bytes[at]!;
  return part;
}

/** Not constant time: for public bytes only; secrets are compared by `Crypto.equal`. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const small = Buffer.allocUnsafeSlow(SMALL_BYTES);

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  if (bytes.length > SMALL_BYTES) return view(bytes).toString('hex');
  small.set(bytes);
  return small.toString('hex', 0, bytes.length);
}

/** what a digit stands for, by its character; more than a digit can for all else */
const DIGITS = new Uint16Array(256).fill(0x100);
for (const [value, digit] of [...'0123456789abcdef'].entries()) for (const form of [digit, digit.toUpperCase()]) DIGITS[form.charCodeAt(0)] = value;

/** Hex in either case. Throws `TextFormError` (`odd_length`, `bad_character`). */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new TextFormError('odd_length', 'Odd number of digits');
  const bytes = new Uint8Array(text.length / 2);
  let seen = 0;
  for (let at = 0; at < bytes.length; at++) {
    const high = text.charCodeAt(2 * at);
    const low = text.charCodeAt(2 * at + 1);
    const value = (DIGITS[high & 0xff]! << 4) | DIGITS[low & 0xff]!;
    // What is no digit, or a character beyond 255, sets a bit that no byte has.
    seen |= value | ((high | low) & ~0xff);
    bytes[at] = value;
  }
  if (seen > 0xff) throw badHex(text);
  return bytes;
}

function badHex(text: string): TextFormError {
  const index = text.search(/[^0-9a-fA-F]/);
  const character = String.fromCodePoint(text.codePointAt(index)!);
  return new TextFormError('bad_character', `Invalid character '${character}' at position ${index}`, index, character);
}

/** Standard alphabet, padded (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  return view(bytes).toString('base64');
}

/** Standard alphabet with its padding; nothing else. Throws `TextFormError` (`bad_base64`). */
export function fromBase64(text: string): Uint8Array {
  return decode64(text, 'base64');
}

/** URL alphabet, no padding (RFC 4648 §5). */
export function toBase64url(bytes: Uint8Array): string {
  return view(bytes).toString('base64url');
}

/** URL alphabet without padding; nothing else. Throws `TextFormError` (`bad_base64`). */
export function fromBase64url(text: string): Uint8Array {
  return decode64(text, 'base64url');
}

function decode64(text: string, form: 'base64' | 'base64url'): Uint8Array {
  const bytes = Buffer.from(text, form);
  // Node skips what it does not know; the strict form is the one that encodes back to the same text.
  if (bytes.toString(form) !== text) throw new TextFormError('bad_base64', `not canonical ${form}`);
  return Uint8Array.from(bytes);
}
