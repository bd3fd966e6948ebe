/** Standard base64 with padding (RFC 4648 §4), strict: canonical padding, no blanks, no bits left over. */
import { CapabilityError } from './capability.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** What is wrong with the text, or `undefined`. */
export function base64Problem(text: string): string | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const wrong = /[^A-Za-z0-9+/]/u.exec(text);
  if (wrong && wrong.index < text.length - padding) return `invalid symbol ${JSON.stringify(wrong[0])} at offset ${wrong.index}`;
  if (text.length % 4 !== 0) return `invalid padding: ${text.length} characters`;
  // The last character before the padding carries 2 or 4 bits of nothing.
  const spare = padding === 2 ? 0b1111 : padding === 1 ? 0b11 : 0;
  const last = ALPHABET.indexOf(text.charAt(text.length - padding - 1));
  if (spare !== 0 && (last & spare) !== 0) return `invalid last symbol at offset ${text.length - padding - 1}`;
  return undefined;
}

/**
 * Bytes of a request field. Throws `CapabilityError` 400 `invalid base64 in <field> field: …`;
 * `beginning` replaces the text before the colon.
 */
export function decodeBase64(field: string, text: string, beginning = `invalid base64 in ${field} field`): Uint8Array {
  const problem = base64Problem(text);
  if (problem !== undefined) {
    throw new CapabilityError(400, beginning.includes(field) ? `${beginning}: ${problem}` : `${beginning}: ${field} has an ${problem}`);
  }
  return Buffer.from(text, 'base64');
}

/** Standard base64 with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
