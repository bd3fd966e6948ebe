import { createPrivateKey, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import {
  buildMachineCertificate,
  certificatePem,
  idOfKey,
  MachineCertificateError,
  parseSpki,
  type Crypto,
  type MachineId,
  type SigningKey,
} from '@muster/protocol';
import { TransportError } from '../ports/index.ts';

const DAY_MS = 86_400_000;
/** Peers' clocks may be a day apart. The key is the identity: a short life of the certificate would protect nothing. */
const BACKDATED_MS = DAY_MS;
const VALID_MS = 3650 * DAY_MS;

/** What `node:tls` needs to prove a machine key. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** A fresh self-signed certificate of the machine key, valid from a day before `now` (Unix ms) for ten years. */
export async function tlsIdentity(crypto: Crypto, key: SigningKey, now: number): Promise<TlsIdentity> {
  const serial = crypto.randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 1;
  const { publicKey } = key;
  const fields = { publicKey, machine: idOfKey<MachineId>(crypto, publicKey), notBefore: now - BACKDATED_MS, notAfter: now + VALID_MS, serial };
  const certificate = await buildMachineCertificate(fields, (tbs) => crypto.sign(key, tbs));
  const privateKey = createPrivateKey({ key: Buffer.from(key.seed), format: 'raw-seed', asymmetricKeyType: 'ml-dsa-65' });
  return { cert: certificatePem(certificate), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

/**
 * Raw ML-DSA-65 key that the peer of a finished handshake has proven to hold. TLS itself proves possession; with self-signed certificates it proves nothing else, so everything else is checked here.
 * Throws `TransportError`.
 */
export function provenKey(socket: TLSSocket, now: number): Uint8Array {
  if (socket.isSessionReused()) throw new TransportError('handshake_failed', 'the peer resumed a session');
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) throw new TransportError('no_certificate', 'the peer showed no certificate');
  const key = rawKey(certificate);
  if (!verifies(certificate)) throw new TransportError('bad_certificate', "the peer's certificate is not signed by its own key");
  const { validFrom, validTo } = certificate;
  if (!(Date.parse(validFrom) <= now && now <= Date.parse(validTo))) {
    throw new TransportError('expired_certificate', `the peer's certificate is valid from ${validFrom} to ${validTo} only; check both clocks`);
  }
  return key;
}

function rawKey(certificate: X509Certificate): Uint8Array {
  try {
    return parseSpki(certificate.publicKey.export({ type: 'spki', format: 'der' }));
  } catch (error) {
    const wrongType = error instanceof MachineCertificateError;
    throw new TransportError(wrongType ? 'wrong_key_type' : 'bad_certificate', "the peer's certificate holds no ML-DSA-65 key", { cause: error });
  }
}

function verifies(certificate: X509Certificate): boolean {
  try {
    return certificate.verify(certificate.publicKey);
  } catch {
    return false;
  }
}
