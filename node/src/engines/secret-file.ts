import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makePrivateDirectory } from './private-directory.ts';

export type SecretFileErrorCode =
  | 'missing'
  | 'exists' // it was to be created, and nothing is ever overwritten by that
  | 'foreign_owner'
  | 'too_open' // others may read or change it
  | 'corrupt' // too large, not a file, or not what it should contain
  | 'symlink'
  | 'full'
  | 'read_only'
  | 'io';

/** One line that names the file and says what to do. */
export class SecretFileError extends Error {
  override readonly name = 'SecretFileError';
  readonly code: SecretFileErrorCode;
  readonly path: string;

  constructor(code: SecretFileErrorCode, path: string, advice: string, options?: ErrorOptions) {
    super(`${path} ${advice}`, options);
    this.code = code;
    this.path = path;
  }
}

const MAX_SECRET_BYTES = 64 * 1024;

const SYSTEM: Readonly<Record<string, readonly [SecretFileErrorCode, string]>> = {
  ENOENT: ['missing', 'is missing'],
  EEXIST: ['exists', 'exists already; move it away first'],
  ELOOP: ['symlink', 'is a symbolic link; put the file itself there'],
  EISDIR: ['corrupt', 'is a directory; move it away'],
  ENOTDIR: ['io', 'cannot be reached: a part of its path is not a directory'],
  ENOSPC: ['full', 'cannot be written, the disk is full; free some space'],
  EDQUOT: ['full', 'cannot be written, the quota is used up; free some space'],
  EROFS: ['read_only', 'cannot be written, the disk is read-only; remount it or choose another place'],
  EACCES: ['read_only', 'cannot be opened by this user; correct the owner and mode of the file and its directory'],
  EPERM: ['read_only', 'cannot be changed by this user; correct the owner and mode of the file and its directory'],
};

/** Any failure about `path` as a `SecretFileError`. */
export function secretFileError(path: string, error: unknown): SecretFileError {
  if (error instanceof SecretFileError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const [mapped, advice] = SYSTEM[code ?? ''] ?? (['io', `failed (${message})`] as const);
  return new SecretFileError(mapped, path, advice, { cause: error });
}

/** Content of a file that only this user can read and change, at most 64 KiB. Throws `SecretFileError`. */
export async function readSecret(path: string): Promise<Uint8Array> {
  try {
    // Non-blocking, so that a FIFO put there cannot hold us.
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { uid, mode, size } = await file.stat().then((stat) => {
      if (!stat.isFile()) throw new SecretFileError('corrupt', path, 'is not a regular file; move it away');
      return stat;
    });
    checkOwner(path, uid);
    if (process.platform !== 'win32' && mode & 0o077)
      throw new SecretFileError('too_open', path, `can be read or changed by others; run: chmod 600 ${path}`);
    if (size > MAX_SECRET_BYTES)
      throw new SecretFileError('corrupt', path, `is larger than ${MAX_SECRET_BYTES} bytes and no secret of ours; move it away`);
    return new Uint8Array(await file.readFile());
  } catch (error) {
    throw secretFileError(path, error);
  }
}

/** @internal Throws `foreign_owner` unless `uid` is this process's user. */
export function checkOwner(path: string, uid: number): void {
  const own = process.geteuid?.();
  if (own !== undefined && uid !== own)
    throw new SecretFileError('foreign_owner', path, `belongs to user ${uid}, not to ${own}; run as that user or correct its owner`);
}

/** Replaces or makes a 0600 file: after a crash it has its old or its new content, never a part. Throws `SecretFileError`. */
export function writeSecretAtomic(path: string, bytes: Uint8Array): Promise<void> {
  return writeFileAtomic(path, bytes, 0o600);
}

/** As `writeSecretAtomic`, with any mode. Missing directories are made, 0700. */
export function writeFileAtomic(path: string, content: Uint8Array | string, mode: number): Promise<void> {
  return publish(path, content, mode, rename);
}

/** As `writeSecretAtomic`, but an existing file is left as it is and reported as `exists`. */
export function createSecret(path: string, bytes: Uint8Array): Promise<void> {
  // A link, unlike a rename, fails when the name is taken.
  return publish(path, bytes, 0o600, link);
}

async function publish(path: string, content: Uint8Array | string, mode: number, place: (from: string, to: string) => Promise<void>): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);
  try {
    makePrivateDirectory(directory);
    try {
      await using file = await open(temporary, 'wx', mode);
      // The umask may have taken bits away.
      await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await place(temporary, path).finally(() => rm(temporary, { force: true }));
    await syncDirectory(directory);
  } catch (error) {
    throw secretFileError(path, error);
  }
}

async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(directory, 'r');
  await handle.sync();
}
