/**
 * A person vouches for an agent. Signed by the user's key, as in the compatible network:
 * "x0x-agent-cert-v1" ‖ user key ‖ agent key ‖ u64 BE seconds. Wire: [1, user key, agent key, seconds, signature].
 */
import { bytesEqual, concat, utf8Bytes } from './bytes.ts';
import { MAX_CERTIFICATE_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './constants.ts';
import type { Crypto, SigningKey } from './crypto.ts';
import { decodeStrict, encodeStrict, readBytes, readCount, readTuple, translated } from './encoding.ts';
import { ProtocolError } from './errors.ts';
import { idOfKey } from './ids.ts';
import type { UserId } from './ids.ts';

export type UserCertificateErrorCode = 'malformed' | 'version' | 'wrong_agent' | 'bad_signature';

export class UserCertificateError extends ProtocolError<UserCertificateErrorCode> {
  override readonly name = 'UserCertificateError';
}

export interface UserCertificate {
  readonly userKey: Uint8Array;
  readonly agentKey: Uint8Array;
  /** seconds since the epoch */
  readonly issuedAt: number;
  readonly signature: Uint8Array;
}

export const USER_CERTIFICATE_DOMAIN = 'x0x-agent-cert-v1';
const VERSION = 1;

/** The bytes that the user's key signs. */
export function userCertificateSignedBytes({ userKey, agentKey, issuedAt }: Omit<UserCertificate, 'signature'>): Uint8Array {
  const seconds = new Uint8Array(8);
  new DataView(seconds.buffer).setBigUint64(0, BigInt(issuedAt));
  return concat(utf8Bytes(USER_CERTIFICATE_DOMAIN), userKey, agentKey, seconds);
}

/** `issuedAt` in seconds since the epoch. */
export async function issueUserCertificate(crypto: Crypto, user: SigningKey, agentKey: Uint8Array, issuedAt: number): Promise<UserCertificate> {
  const body = { userKey: user.publicKey, agentKey, issuedAt };
  return { ...body, signature: await crypto.sign(user, userCertificateSignedBytes(body)) };
}

export function encodeUserCertificate({ userKey, agentKey, issuedAt, signature }: UserCertificate): Uint8Array {
  return encodeStrict([VERSION, userKey, agentKey, issuedAt, signature]);
}

/** Form only. Throws `UserCertificateError` (`malformed`, `version`). */
export function decodeUserCertificate(bytes: Uint8Array): UserCertificate {
  return translated(
    () => {
      const [version, userKey, agentKey, issuedAt, signature] = readTuple(decodeStrict(bytes, MAX_CERTIFICATE_BYTES), 'certificate', 5);
      if (version !== VERSION) throw new UserCertificateError('version', `certificate version ${String(version)}, only ${VERSION} is known`);
      return {
        userKey: readBytes(userKey, 'user key', 1, PUBLIC_KEY_BYTES),
        agentKey: readBytes(agentKey, 'agent key', 1, PUBLIC_KEY_BYTES),
        issuedAt: readCount(issuedAt, 'issued at'),
        signature: readBytes(signature, 'signature', 1, SIGNATURE_BYTES),
      };
    },
    (error) => new UserCertificateError('malformed', error.message, { cause: error }),
  );
}

/** Gives the user who vouches for `agentKey`. Throws `UserCertificateError` (`wrong_agent`, `bad_signature`). */
export async function verifyUserCertificate(crypto: Crypto, certificate: UserCertificate, agentKey: Uint8Array): Promise<UserId> {
  if (!bytesEqual(certificate.agentKey, agentKey)) throw new UserCertificateError('wrong_agent', 'the certificate is for another agent');
  if (!(await crypto.verify(certificate.userKey, userCertificateSignedBytes(certificate), certificate.signature))) {
    throw new UserCertificateError('bad_signature', 'the certificate is not signed by its user');
  }
  return idOfKey<UserId>(crypto, certificate.userKey);
}
