import { createHash } from 'node:crypto';
import { createSecret, readSecret, SecretFileError } from './secret-file.ts';

/** Seed sizes in bytes. `agent-kem` is ML-KEM-768, the others ML-DSA-65. */
export const SEED_BYTES = { machine: 32, agent: 32, 'agent-kem': 64, user: 32 } as const;
export type KeyKind = keyof typeof SEED_BYTES;

const LINE = /^muster-key-1 ([a-z-]+) ([A-Za-z0-9_-]+) ([0-9a-f]{16})\n$/;

const checksum = (body: string): string => createHash('sha256').update(body).digest('hex').slice(0, 16);

/** One line: format and version, kind, seed (base64url), checksum of what stands before it. */
function encode(kind: KeyKind, seed: Uint8Array): string {
  const body = `muster-key-1 ${kind} ${Buffer.from(seed).toString('base64url')}`;
  return `${body} ${checksum(body)}\n`;
}

/** The seed in a key file. Damage, and a key of another kind, are `corrupt`: never a new identity by accident. Throws `SecretFileError`. */
export async function readKeyFile(path: string, kind: KeyKind): Promise<Uint8Array> {
  const text = Buffer.from(await readSecret(path)).toString('latin1');
  const [, found, encoded, sum] = LINE.exec(text) ?? [];
  if (encoded === undefined || sum !== checksum(`muster-key-1 ${found} ${encoded}`)) {
    throw new SecretFileError('corrupt', path, 'is not a key file, or damaged; restore your copy, or move it away');
  }
  if (found !== kind) throw new SecretFileError('corrupt', path, `holds a ${found} key, not a ${kind} key; put the right file there`);
  const seed = new Uint8Array(Buffer.from(encoded, 'base64url'));
  if (seed.length !== SEED_BYTES[kind]) throw new SecretFileError('corrupt', path, 'holds a seed of the wrong size; restore your copy');
  return seed;
}

/** Writes a new key file, 0600. Never overwrites: `exists`. Throws `SecretFileError`. */
export async function createKeyFile(path: string, kind: KeyKind, seed: Uint8Array): Promise<void> {
  if (seed.length !== SEED_BYTES[kind]) throw new RangeError(`a ${kind} seed has ${SEED_BYTES[kind]} bytes`);
  await createSecret(path, Buffer.from(encode(kind, seed)));
}
