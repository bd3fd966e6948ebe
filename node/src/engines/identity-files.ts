import { lstat, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { idOfKey, issueUserCertificate, type AgentId, type Crypto, type MachineId, type UserId } from '@muster/protocol';
import type { LocalIdentity } from '../services/identity/local-identity.ts';
import { createKeyFile, readKeyFile, SEED_BYTES, type KeyKind } from './key-file.ts';
import { makePrivateDirectory } from './private-directory.ts';
import { checkOwner, SecretFileError, secretFileError, writeSecretAtomic } from './secret-file.ts';

/** In order of creation: the agent, which is who we are, comes last. */
const FILES = [
  ['machine', 'machine.key'],
  ['agent-kem', 'agent_kem.key'],
  ['agent', 'agent.key'],
] as const satisfies readonly (readonly [KeyKind, string])[];

/** Exists only while the first identity is being made: tells an interrupted start from a lost key. */
const CREATING = '.creating';

export interface LoadIdentityOptions {
  /** the human's key, which is never made here; see `createKeyFile` */
  readonly userKeyPath?: string | undefined;
  /** Unix ms; the time of the certificate that the human's key gives the agent */
  readonly now: number;
}

/**
 * The identity in `directory` (0700), made when there is none: `machine.key`, `agent.key`, `agent_kem.key`.
 * No existing file is ever changed. A key that is damaged, foreign, open to others, or missing beside the others is an error: nothing but an empty place becomes a new identity.
 * Throws `SecretFileError`.
 */
export async function loadIdentity(crypto: Crypto, directory: string, { userKeyPath, now }: LoadIdentityOptions): Promise<LocalIdentity> {
  await checkDirectory(directory);
  await createMissing(crypto, directory);
  const [machineSeed, kemSeed, agentSeed] = await Promise.all(FILES.map(([kind, name]) => readKeyFile(join(directory, name), kind)));
  const machineKey = crypto.signingKey(machineSeed);
  const agentKey = crypto.signingKey(agentSeed);
  return {
    machineKey,
    machineId: idOfKey<MachineId>(crypto, machineKey.publicKey),
    agentKey,
    agentId: idOfKey<AgentId>(crypto, agentKey.publicKey),
    kemKey: crypto.kemKey(kemSeed),
    user: userKeyPath === undefined ? undefined : await loadUser(crypto, userKeyPath, agentKey.publicKey, now),
  };
}

async function loadUser(crypto: Crypto, path: string, agentKey: Uint8Array, now: number): Promise<LocalIdentity['user']> {
  const seed = await readKeyFile(path, 'user').catch((error: unknown) => {
    const missing = error instanceof SecretFileError && error.code === 'missing';
    throw missing
      ? new SecretFileError('missing', path, 'is missing, and a user key is never made by itself; put it there or remove user_key_path', {
          cause: error,
        })
      : error;
  });
  const key = crypto.signingKey(seed);
  return { id: idOfKey<UserId>(crypto, key.publicKey), certificate: await issueUserCertificate(crypto, key, agentKey, Math.floor(now / 1000)) };
}

async function checkDirectory(directory: string): Promise<void> {
  try {
    makePrivateDirectory(directory);
    const found = await stat(directory);
    if (!found.isDirectory()) throw new SecretFileError('corrupt', directory, 'is not a directory; move it away');
    checkOwner(directory, found.uid);
    // Who can write here can replace a key, whatever its own mode.
    if (process.platform !== 'win32' && found.mode & 0o022)
      throw new SecretFileError('too_open', directory, `can be changed by others; run: chmod 700 ${directory}`);
  } catch (error) {
    throw secretFileError(directory, error);
  }
}

async function createMissing(crypto: Crypto, directory: string): Promise<void> {
  const marker = join(directory, CREATING);
  const interrupted = await exists(marker);
  const present = await Promise.all(FILES.map(([, name]) => exists(join(directory, name))));
  const missing = FILES.filter((_, i) => !present[i]);
  if (missing.length > 0) {
    if (missing.length < FILES.length && !interrupted) {
      const [, lost] = missing[0]!;
      throw new SecretFileError(
        'missing',
        join(directory, lost),
        'is missing while other keys of this identity are there; restore your copy, or move the others away to become somebody new',
      );
    }
    await writeSecretAtomic(marker, new Uint8Array(0));
    for (const [kind, name] of missing) {
      await createKeyFile(join(directory, name), kind, crypto.randomBytes(SEED_BYTES[kind])).catch((error: unknown) => {
        // Somebody who shares the directory was faster: theirs is the one.
        if (!(error instanceof SecretFileError && error.code === 'exists')) throw error;
      });
    }
  }
  if (missing.length > 0 || interrupted) await rm(marker, { force: true });
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw secretFileError(path, error);
  }
}
