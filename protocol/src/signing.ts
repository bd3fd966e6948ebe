/**
 * Detached signatures of an agent over what an application hands in: context ‖ NUL ‖ payload.
 *
 * Everything the protocol itself signs starts with one of the reserved names below, and a context may not: so no
 * application can be tricked, or trick its agent, into signing an envelope, a hello, a card or a certificate.
 */
import { concat, domain, utf8Length } from './bytes.ts';
import { MAX_SIGN_CONTEXT_BYTES, MAX_SIGN_PAYLOAD_BYTES } from './constants.ts';
import type { Crypto, SigningKey } from './crypto.ts';
import { ProtocolError } from './errors.ts';
import { USER_CERTIFICATE_DOMAIN } from './user-certificate.ts';

export type SigningErrorCode = 'bad_context' | 'payload_too_large';

export class SigningError extends ProtocolError<SigningErrorCode> {
  override readonly name = 'SigningError';
}

export const SIGN_SCHEME = 'x0x.agent-sign.v1.ml-dsa-65';
/** context of a caller that names none */
export const DEFAULT_SIGN_CONTEXT = 'x0x.agent-sign.v1';
const RESERVED = ['muster-', USER_CERTIFICATE_DOMAIN];

/** The bytes that are signed. Context: 1 to 255 bytes, no control characters, not a reserved beginning. Throws `SigningError`. */
export function agentSignedBytes(payload: Uint8Array, context: string = DEFAULT_SIGN_CONTEXT): Uint8Array {
  const length = utf8Length(context);
  if (length < 1 || length > MAX_SIGN_CONTEXT_BYTES)
    throw new SigningError('bad_context', `context of ${length} bytes, 1 to ${MAX_SIGN_CONTEXT_BYTES} allowed`);
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(context)) throw new SigningError('bad_context', 'context must not contain control characters');
  const reserved = RESERVED.find((name) => context.startsWith(name));
  if (reserved !== undefined) throw new SigningError('bad_context', `context must not start with "${reserved}": that is the protocol's own`);
  if (payload.length > MAX_SIGN_PAYLOAD_BYTES) {
    throw new SigningError('payload_too_large', `payload of ${payload.length} bytes, at most ${MAX_SIGN_PAYLOAD_BYTES} allowed`);
  }
  return concat(domain(context), payload);
}

/** Throws `SigningError`. */
export async function signAsAgent(crypto: Crypto, key: SigningKey, payload: Uint8Array, context?: string): Promise<Uint8Array> {
  return crypto.sign(key, agentSignedBytes(payload, context));
}

/** Throws `SigningError` for a context or payload that cannot have been signed. */
export async function verifyAgentSignature(
  crypto: Crypto,
  publicKey: Uint8Array,
  payload: Uint8Array,
  signature: Uint8Array,
  context?: string,
): Promise<boolean> {
  return crypto.verify(publicKey, agentSignedBytes(payload, context), signature);
}
