/**
 * DSSE envelopes (dsse v1.0) signed with ML-DSA-65 (FIPS 204), over `node:crypto`: raw public keys of 1,952 bytes,
 * signatures of 3,309.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { payloadType, preAuthentication, type SignerName } from './statements.ts';

const algorithm = 'ml-dsa-65';
export const publicKeyBytes = 1952;
const signatureBytes = 3309;

// SubjectPublicKeyInfo of id-ml-dsa-65 (2.16.840.1.101.3.4.3.18) up to the raw key.
const spkiPrefix = Buffer.from('308207b2300b0609608648016503040312038207a100', 'hex');
// PrivateKeyInfo holding a 32-byte seed alone (RFC 9881, `[0] seed`).
const seedPrefix = Buffer.from('3034020100300b060960864801650304031204228020', 'hex');

export const seedBytes = 32;

export interface Signer {
  /** raw, 1,952 bytes */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** The key pair of a 32-byte seed. */
export function signerFromSeed(seed: Uint8Array): Signer {
  if (seed.length !== seedBytes) throw new RangeError(`a seed has ${seedBytes} bytes, this one ${seed.length}`);
  const key = createPrivateKey({ key: Buffer.concat([seedPrefix, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = rawPublicKey(createPublicKey(key));
  return { publicKey, sign: (message) => sign(null, message, key) };
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'spki' }).subarray(spkiPrefix.length);
}

/** false for a wrong signature and for a malformed key or signature; never throws */
export function signatureHolds(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== publicKeyBytes || signature.length !== signatureBytes) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
}

export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** How a key is named in a bundle: SHA-256 of the raw key in hex, which for a node is its agent id. */
export function keyIdOf(publicKey: Uint8Array): string {
  return sha256(publicKey);
}

/** One DSSE v1 envelope. `keyid` is `keyIdOf` the key. */
export const envelopeSchema = z.strictObject({
  payloadType: z.literal(payloadType),
  payload: z.base64(),
  signatures: z.array(z.strictObject({ keyid: z.string(), sig: z.base64() })).min(1),
});
export type Envelope = z.infer<typeof envelopeSchema>;

export const keySchema = z.strictObject({
  role: z.enum(['runner', 'node']),
  name: z.string(),
  keyid: z.string(),
  algorithm: z.literal(algorithm),
  publicKey: z.base64(),
});
export type AttestationKey = z.infer<typeof keySchema>;

/** `attestation.dsse.json`: both envelopes, and the public keys that check them. */
export const attestationSchema = z.strictObject({
  format: z.literal('muster-attestation-v1'),
  keys: z.array(keySchema).min(1).max(1024),
  testResult: envelopeSchema,
  proof: envelopeSchema,
});
export type Attestation = z.infer<typeof attestationSchema>;

/**
 * A node that can sign (`POST /agent/sign`). It signs `nodeSignedBytes` of what it is given: the context, a NUL, the payload.
 */
export interface NodeSigner {
  readonly name: string;
  /** raw, 1,952 bytes */
  readonly publicKey: Uint8Array;
  /** `payload` is at most 256 KiB */
  sign(payload: Uint8Array, context: string): Promise<Uint8Array>;
}

/** The context that nodes sign a bundle's statement under. */
export const nodeSignatureContext = 'x0x.bundle-attestation.v1';

/** What `POST /agent/sign` signs for a payload. */
export function nodeSignedBytes(payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${nodeSignatureContext}\0`), payload]);
}

export interface AttestInput {
  readonly runner: Signer;
  readonly nodes: readonly NodeSigner[];
  readonly testResult: Uint8Array;
  /** the detailed statement, given those who will sign it */
  readonly proof: (signers: readonly SignerName[]) => Uint8Array;
}

/** A node that would not or could not sign, or whose signature does not hold. */
export interface Unsigned {
  readonly name: string;
  readonly reason: string;
}

/** Signs both statements. The runner signs both, nodes the detailed one; a node that cannot is left out and reported. */
export async function attest({ runner, nodes, testResult, proof }: AttestInput): Promise<{ attestation: Attestation; unsigned: Unsigned[] }> {
  const unsigned: Unsigned[] = [];
  let willing = nodes;
  for (;;) {
    const keys = [keyOf('runner', 'runner', runner.publicKey), ...willing.map(({ name, publicKey }) => keyOf('node', name, publicKey))];
    const payload = proof(keys.map(({ role, name, keyid }) => ({ role, name, keyid })));
    const message = preAuthentication(payloadType, payload);
    const tries = await Promise.all(willing.map((node) => signedBy(node, message)));
    const failed = tries.filter((one) => 'reason' in one);
    if (failed.length === 0) {
      const byNodes = tries.flatMap((one) => ('sig' in one ? [one] : []));
      return {
        attestation: { format: 'muster-attestation-v1', keys, testResult: envelope(testResult, runner), proof: envelope(payload, runner, byNodes) },
        unsigned,
      };
    }
    // Who signs is part of what is signed, so that a signature cannot be taken away unseen: without the node, all sign anew.
    unsigned.push(...failed);
    willing = willing.filter(({ name }) => !failed.some((one) => one.name === name));
  }
}

async function signedBy({ name, publicKey, sign: signWith }: NodeSigner, message: Uint8Array): Promise<{ keyid: string; sig: string } | Unsigned> {
  try {
    const signature = await signWith(message, nodeSignatureContext);
    if (!signatureHolds(publicKey, nodeSignedBytes(message), signature)) return { name, reason: 'its signature does not hold' };
    return { keyid: keyIdOf(publicKey), sig: Buffer.from(signature).toString('base64') };
  } catch (error) {
    return { name, reason: error instanceof Error ? error.message : String(error) };
  }
}

export function envelope(payload: Uint8Array, runner: Signer, more: Envelope['signatures'] = []): Envelope {
  const sig = Buffer.from(runner.sign(preAuthentication(payloadType, payload))).toString('base64');
  const signatures = [{ keyid: keyIdOf(runner.publicKey), sig }, ...more];
  return { payloadType, payload: Buffer.from(payload).toString('base64'), signatures };
}

export function keyOf(role: 'runner' | 'node', name: string, publicKey: Uint8Array): AttestationKey {
  return { role, name, keyid: keyIdOf(publicKey), algorithm, publicKey: Buffer.from(publicKey).toString('base64') };
}

/** Everything wrong with an envelope: its signers must be exactly these, and each signature must hold. */
export function envelopeProblems(signed: Envelope, expected: readonly AttestationKey[]): string[] {
  const message = preAuthentication(payloadType, Buffer.from(signed.payload, 'base64'));
  const problems: string[] = [];
  if (new Set(signed.signatures.map(({ keyid }) => keyid)).size !== signed.signatures.length) problems.push('a key signed more than once');
  for (const { keyid, sig } of signed.signatures) {
    const key = expected.find((one) => one.keyid === keyid);
    if (!key) {
      problems.push(`signed by ${keyid}, which is not named as a signer`);
      continue;
    }
    const covered = key.role === 'runner' ? message : nodeSignedBytes(message);
    if (!signatureHolds(Buffer.from(key.publicKey, 'base64'), covered, Buffer.from(sig, 'base64')))
      problems.push(`the signature of ${key.role} ${key.name} does not hold`);
  }
  for (const { keyid, role, name } of expected) {
    if (!signed.signatures.some((signature) => signature.keyid === keyid)) problems.push(`the signature of ${role} ${name} is missing`);
  }
  return problems;
}
