/** The runner's signing key: a 32-byte seed in a 0600 file, made at first use. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { publicKeyBytes, seedBytes, type Signer, signerFromSeed } from './attestation.ts';

export type RunnerKeyErrorCode = 'unsafe-mode' | 'foreign-owner' | 'not-a-file' | 'corrupt';

/** A key file that will not be used; the message names it and what to do. Nothing was changed. */
export class RunnerKeyError extends Error {
  override readonly name = 'RunnerKeyError';
  readonly code: RunnerKeyErrorCode;

  constructor(code: RunnerKeyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

const header = 'muster runner key v1 ml-dsa-65\n';
const encodedLength = header.length + seedBytes * 2 + 1;

/** The signer of the file at `path`; a missing file (and folder) is made. Two first uses at once end with one key. @throws RunnerKeyError */
export async function loadRunnerKey(path: string): Promise<Signer> {
  const existing = await readKey(path);
  if (existing) return existing;
  await createKey(path);
  const made = await readKey(path);
  if (!made) throw new RunnerKeyError('not-a-file', `${path} vanished while it was made; try again`);
  return made;
}

async function readKey(path: string): Promise<Signer | undefined> {
  let file: FileHandle;
  try {
    // Non-blocking, so that a FIFO in its place is refused below instead of waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw new RunnerKeyError('not-a-file', `${path} is a symbolic link; put the key file itself there`);
    throw error;
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new RunnerKeyError('not-a-file', `${path} is not a regular file; move it away`);
    if (stats.uid !== process.getuid?.()) throw new RunnerKeyError('foreign-owner', `${path} belongs to another user; use a key file of your own`);
    if ((stats.mode & 0o077) !== 0) throw new RunnerKeyError('unsafe-mode', `${path} is open to others; run: chmod 600 ${path}`);
    if (stats.size !== encodedLength) throw corrupt(path);
    return parseKey(path, await file.readFile('latin1'));
  } finally {
    await file.close();
  }
}

function parseKey(path: string, text: string): Signer {
  const seed = text.slice(header.length, -1);
  if (!text.startsWith(header) || !text.endsWith('\n') || !/^[0-9a-f]{64}$/.test(seed)) throw corrupt(path);
  return signerFromSeed(Buffer.from(seed, 'hex'));
}

function corrupt(path: string): RunnerKeyError {
  return new RunnerKeyError('corrupt', `${path} is not a runner key; restore it, or move it away to have a new one made`);
}

async function createKey(path: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const partial = `${path}.${randomBytes(8).toString('hex')}.new`;
  const file = await open(partial, 'wx', 0o600);
  try {
    await file.writeFile(`${header}${randomBytes(seedBytes).toString('hex')}\n`);
    await file.sync();
    await file.close();
    // Unlike a rename, a link never replaces a key that another process has just made.
    await link(partial, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await file.close().catch(() => undefined);
    await unlink(partial);
  }
  const parent = await open(folder, constants.O_RDONLY);
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}

/** What to hand to those who verify: one line of base64. */
export function publicKeyText(publicKey: Uint8Array): string {
  return `${Buffer.from(publicKey).toString('base64')}\n`;
}

/** The raw public key in a file that holds `publicKeyText`, or in the runner's own key file. @throws RunnerKeyError */
export async function loadTrustedKey(path: string): Promise<Uint8Array> {
  const text = await readFile(path, 'latin1');
  if (text.startsWith(header)) return parseKey(path, text).publicKey;
  const raw = Buffer.from(text.trim(), 'base64');
  if (raw.length === publicKeyBytes && raw.toString('base64') === text.trim()) return raw;
  throw new RunnerKeyError('corrupt', `${path} holds no public key (one line of base64, ${publicKeyBytes} bytes)`);
}
