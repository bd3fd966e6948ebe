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

/** beside what is used of a buffer */
const SPARE_BYTES = 64;

/** The same bytes, without a larger buffer that they are a part of: 40 bytes that are kept would keep all of a 64 KiB read. */
export function ownMemory(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > bytes.length + SPARE_BYTES ? new Uint8Array(bytes) : bytes;
}

/** Not constant time: for public bytes only; secrets are compared by `Crypto.equal`. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return view(bytes).toString('hex');
}

/** Hex in either case. Throws `TextFormError` (`odd_length`, `bad_character`). */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new TextFormError('odd_length', 'Odd number of digits');
  const index = text.search(/[^0-9a-fA-F]/);
  if (index !== -1) {
    const character = String.fromCodePoint(text.codePointAt(index)!);
    throw new TextFormError('bad_character', `Invalid character '${character}' at position ${index}`, index, character);
  }
  return Uint8Array.from(Buffer.from(text, 'hex'));
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
