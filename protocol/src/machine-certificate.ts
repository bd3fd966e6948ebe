/**
 * The X.509 v3 certificate that a machine shows in TLS: self-signed, ML-DSA-65 (RFC 9881), one common name.
 * Nothing but the key in it is believed; the form is what TLS needs. DER of a shape that never changes is written here by hand.
 */
import { concat, toBase64, utf8Bytes } from './bytes.ts';
import { PUBLIC_KEY_BYTES } from './constants.ts';
import { ProtocolError } from './errors.ts';
import type { MachineId } from './ids.ts';

export type MachineCertificateErrorCode = 'wrong_key_type' | 'bad_field';

export class MachineCertificateError extends ProtocolError<MachineCertificateErrorCode> {
  override readonly name = 'MachineCertificateError';
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const EXPLICIT_0 = 0xa0;

function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concat(...contents);
  const n = content.length;
  // No part of this certificate has 128 to 255 bytes, which DER would write in a form of their own.
  const head = n < 0x80 ? [tag, n] : [tag, 0x82, n >> 8, n & 0xff];
  return concat(Uint8Array.from(head), content);
}

/** id-ml-dsa-65, 2.16.840.1.101.3.4.3.18, without parameters */
const ML_DSA_65 = der(SEQUENCE, der(OBJECT_IDENTIFIER, Uint8Array.of(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12)));
const COMMON_NAME = der(OBJECT_IDENTIFIER, Uint8Array.of(0x55, 0x04, 0x03));
const NO_UNUSED_BITS = Uint8Array.of(0);
const SPKI_HEAD = spkiHead();

function spkiHead(): Uint8Array {
  const empty = new Uint8Array(PUBLIC_KEY_BYTES);
  return spki(empty).subarray(0, -PUBLIC_KEY_BYTES);
}

function spki(key: Uint8Array): Uint8Array {
  return der(SEQUENCE, ML_DSA_65, der(BIT_STRING, NO_UNUSED_BITS, key));
}

/** SubjectPublicKeyInfo of a raw key, 1,974 bytes. */
export function encodeSpki(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    throw new MachineCertificateError('wrong_key_type', `a public key has ${PUBLIC_KEY_BYTES} bytes, not ${publicKey.length}`);
  return spki(publicKey);
}

/** The raw ML-DSA-65 key of a DER SubjectPublicKeyInfo. Throws `MachineCertificateError` (`wrong_key_type`) for everything else. */
export function parseSpki(bytes: Uint8Array): Uint8Array {
  const fits = bytes.length === SPKI_HEAD.length + PUBLIC_KEY_BYTES && SPKI_HEAD.every((byte, index) => bytes[index] === byte);
  if (!fits) throw new MachineCertificateError('wrong_key_type', 'not an ML-DSA-65 public key');
  return Uint8Array.from(bytes.subarray(SPKI_HEAD.length));
}

export interface MachineCertificateFields {
  /** raw ML-DSA-65 key, 1,952 bytes */
  readonly publicKey: Uint8Array;
  /** its id; the first 32 characters are the common name */
  readonly machine: MachineId;
  /** ms since the epoch, whole seconds are kept */
  readonly notBefore: number;
  readonly notAfter: number;
  /** 1 to 20 bytes, the first from 1 to 127 */
  readonly serial: Uint8Array;
}

const COMMON_NAME_LENGTH = 32;

/** DER of the certificate, about 5.4 KB; `sign` gets the bytes to be signed. Throws `MachineCertificateError`. */
export async function buildMachineCertificate(fields: MachineCertificateFields, sign: (tbs: Uint8Array) => Promise<Uint8Array>): Promise<Uint8Array> {
  const { serial, machine, notBefore, notAfter, publicKey } = fields;
  const first = serial[0] ?? 0;
  if (serial.length > 20 || first < 1 || first > 127)
    throw new MachineCertificateError('bad_field', 'serial: 1 to 20 bytes, the first from 1 to 127');
  const text = der(UTF8_STRING, utf8Bytes(machine.slice(0, COMMON_NAME_LENGTH)));
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, text)));
  const validity = der(SEQUENCE, generalizedTime(notBefore), generalizedTime(notAfter));
  const version3 = der(EXPLICIT_0, der(INTEGER, Uint8Array.of(2)));
  const tbs = der(SEQUENCE, version3, der(INTEGER, serial), ML_DSA_65, name, validity, name, encodeSpki(publicKey));
  return der(SEQUENCE, tbs, ML_DSA_65, der(BIT_STRING, NO_UNUSED_BITS, await sign(tbs)));
}

/** `YYYYMMDDHHMMSSZ` */
function generalizedTime(ms: number): Uint8Array {
  const iso = Number.isFinite(ms) ? new Date(ms).toISOString() : '';
  if (iso.length !== '2000-01-01T00:00:00.000Z'.length) throw new MachineCertificateError('bad_field', `not a certificate time: ${ms}`);
  return der(GENERALIZED_TIME, utf8Bytes(`${iso.slice(0, 19).replaceAll(/[-:T]/g, '')}Z`));
}

/** The PEM form that TLS libraries read. */
export function certificatePem(certificate: Uint8Array): string {
  const lines = toBase64(certificate).match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
