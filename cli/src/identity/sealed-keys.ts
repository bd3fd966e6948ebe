/**
 * The keys of an identity, sealed with a passphrase: three lines of text.
 *
 *     muster-identity-1 argon2id <KiB> <passes> <lanes> <salt> <nonce>     base64url; authenticated, too
 *     <AES-256-GCM ciphertext and tag, base64url>
 *     <SHA-256 of all that stands before it, hex>
 *
 * The checksum is no protection: it tells a damaged file from a wrong passphrase, which the tag cannot.
 */
import { argon2, createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyKind } from '@muster/node/host';

/** Seeds as their key files hold them. */
export type Seeds = Readonly<Partial<Record<KeyKind, Uint8Array>>>;

export class SealError extends Error {
  override readonly name = 'SealError';
}

/** RFC 9106, section 4, the second recommended option: 64 MiB, 3 passes, 4 lanes. */
const COST: Cost = { memory: 65_536, passes: 3, lanes: 4 };
/** What a file may ask of this machine: up to 1 GiB, and not so little that guessing is cheap. */
const BOUNDS = { memory: [8192, 1_048_576], passes: [1, 16], lanes: [1, 16] } as const;
const HEADER = /^muster-identity-1 argon2id (\d{1,7}) (\d{1,2}) (\d{1,2}) ([\w-]{22}) ([\w-]{16})\n$/u;
const SEALED = /^([^\n]{1,256}\n)([\w-]{1,16384})\n([0-9a-f]{64})\n$/u;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KINDS: readonly KeyKind[] = ['machine', 'agent', 'agent-kem', 'user'];

interface Cost {
  /** KiB */
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
}

export async function seal(seeds: Seeds, passphrase: string, cost: Cost = COST): Promise<string> {
  const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)];
  const { memory, passes, lanes } = cost;
  const header = `muster-identity-1 argon2id ${memory} ${passes} ${lanes} ${salt.toString('base64url')} ${nonce.toString('base64url')}\n`;
  const plain = Buffer.from(JSON.stringify(Object.fromEntries(Object.entries(seeds).map(([kind, seed]) => [kind, base64(seed)]))));
  const key = await keyOf(passphrase, salt, cost);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(header));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  plain.fill(0);
  key.fill(0);
  const body = `${header}${sealed.toString('base64url')}\n`;
  return `${body}${checksum(body)}\n`;
}

/** Throws `SealError`, whose message says whether the file or the passphrase is wrong. */
export async function unseal(text: string, passphrase: string): Promise<Seeds> {
  const { header, cost, salt, nonce, sealed } = parse(text);
  const key = await keyOf(passphrase, salt, cost);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(header)).setAuthTag(sealed.subarray(-TAG_BYTES));
  let plain: Buffer;
  try {
    plain = Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw new SealError('the passphrase is wrong (the file itself is undamaged, unless somebody changed it on purpose)');
  } finally {
    key.fill(0);
  }
  try {
    return seedsIn(plain);
  } finally {
    plain.fill(0);
  }
}

/** Whether it is worth to ask for a passphrase. Throws `SealError`. */
export function checkSealed(text: string): void {
  parse(text);
}

function parse(text: string): { header: string; cost: Cost; salt: Buffer; nonce: Buffer; sealed: Buffer } {
  if (!text.startsWith('muster-identity-')) throw new SealError('it is no exported identity');
  if (!text.startsWith('muster-identity-1 ')) throw new SealError('it was exported by a newer version; use that one to import it');
  const [, header = '', body = '', sum] = SEALED.exec(text) ?? [];
  const [, memory, passes, lanes, salt = '', nonce = ''] = HEADER.exec(header) ?? [];
  const sealed = Buffer.from(body, 'base64url');
  if (sum !== checksum(`${header}${body}\n`) || memory === undefined || sealed.length <= TAG_BYTES) {
    throw new SealError('the file is damaged; take another copy of it');
  }
  const cost: Cost = { memory: Number(memory), passes: Number(passes), lanes: Number(lanes) };
  for (const [name, [least, most]] of Object.entries(BOUNDS) as [keyof Cost, readonly [number, number]][]) {
    if (cost[name] < least || cost[name] > most) throw new SealError(`it asks for argon2id with ${name} ${cost[name]}, outside ${least} to ${most}`);
  }
  return { header, cost, salt: Buffer.from(salt, 'base64url'), nonce: Buffer.from(nonce, 'base64url'), sealed };
}

function seedsIn(plain: Buffer): Seeds {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = { ...(JSON.parse(plain.toString('utf8')) as object) };
  } catch {
    // What the parser complains of would quote it.
    throw new SealError('it was sealed by another program, and holds no keys');
  }
  const seeds: Partial<Record<KeyKind, Uint8Array>> = {};
  for (const kind of KINDS) {
    const seed = fields[kind];
    if (typeof seed === 'string') seeds[kind] = new Uint8Array(Buffer.from(seed, 'base64url'));
  }
  return seeds;
}

/** The same words typed on another system may come as other code points: NFKC makes them one. */
function keyOf(passphrase: string, nonce: Buffer, { memory, passes, lanes }: Cost): Promise<Buffer> {
  const message = Buffer.from(passphrase.normalize('NFKC'));
  return promisify(argon2)('argon2id', { message, nonce, memory, passes, parallelism: lanes, tagLength: KEY_BYTES });
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const checksum = (text: string): string => createHash('sha256').update(text).digest('hex');
