/**
 * One signature for the messages that one sender seals at about the same time, each of which can be checked without the others.
 *
 * leaf   = SHA-256(0x00 ‖ signed bytes of a message)
 * inner  = SHA-256(0x01 ‖ left ‖ right); where there is no right one, 32 zero bytes stand for it
 * signed = "muster-batch-v1" NUL ‖ root
 * place  = u8 position ‖ the siblings on the way up, 32 bytes each; empty when a message was signed alone, its own signed bytes
 */
import { bytesEqual, concat, domain, toHex } from './bytes.ts';
import { MAX_BATCH_DEPTH } from './constants.ts';
import type { Crypto, SigningKey } from './crypto.ts';

const DOMAIN = domain('muster-batch-v1');
const LEAF = Uint8Array.of(0);
const INNER = Uint8Array.of(1);
const HASH_BYTES = 32;
const NOTHING = new Uint8Array(HASH_BYTES);
const ALONE = new Uint8Array();

/** What makes a message its sender's. */
export interface Endorsement {
  readonly place: Uint8Array;
  readonly signature: Uint8Array;
}

export type Endorse = (signed: Uint8Array) => Promise<Endorsement>;

/** Signs each message alone. */
export function singleSigner(crypto: Crypto, key: SigningKey): Endorse {
  return async (signed) => ({ place: ALONE, signature: await crypto.sign(key, signed) });
}

/** Signs what gathers while the signature before is being made, 2^`MAX_BATCH_DEPTH` messages at most, together: nothing waits that could be signed at once. */
export function batchSigner(crypto: Crypto, key: SigningKey): Endorse {
  interface Waiting extends PromiseWithResolvers<Endorsement> {
    readonly signed: Uint8Array;
  }
  const queue: Waiting[] = [];
  let busy = false;

  async function signAll(): Promise<void> {
    busy = true;
    while (queue.length > 0) {
      const batch = queue.splice(0, 2 ** MAX_BATCH_DEPTH);
      try {
        const endorsements = await endorseTogether(crypto, key, batch.map(({ signed }) => signed)); // prettier-ignore
        for (const [i, { resolve }] of batch.entries()) resolve(endorsements[i]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    busy = false;
  }

  return (signed) => {
    const waiting = { signed, ...Promise.withResolvers<Endorsement>() };
    queue.push(waiting);
    if (!busy) void signAll();
    return waiting.promise;
  };
}

async function endorseTogether(crypto: Crypto, key: SigningKey, messages: readonly Uint8Array[]): Promise<Endorsement[]> {
  if (messages.length === 1) return [await singleSigner(crypto, key)(messages[0]!)];
  const levels = [messages.map((signed) => crypto.sha256(LEAF, signed))];
  for (let level = levels[0]!; level.length > 1; levels.push(level)) {
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => inner(crypto, level[2 * i]!, level[2 * i + 1] ?? NOTHING));
  }
  const signature = await crypto.sign(key, concat(DOMAIN, levels.at(-1)![0]!));
  return messages.map((_, position) => {
    const siblings = levels.slice(0, -1).map((level, height) => level[(position >> height) ^ 1] ?? NOTHING);
    return { place: concat(Uint8Array.of(position), ...siblings), signature };
  });
}

const inner = (crypto: Crypto, left: Uint8Array, right: Uint8Array): Uint8Array => crypto.sha256(INNER, left, right);

/** Is it empty, or a position and siblings that fit one another? */
export function isPlace(place: Uint8Array): boolean {
  if (place.length === 0) return true;
  const depth = (place.length - 1) / HASH_BYTES;
  return Number.isInteger(depth) && depth >= 1 && depth <= MAX_BATCH_DEPTH && place[0]! < 2 ** depth;
}

/** What the signature of a message at this place must be over. `place` satisfies `isPlace`. */
export function endorsedBytes(crypto: Crypto, signed: Uint8Array, place: Uint8Array): Uint8Array {
  if (place.length === 0) return signed;
  let hash = crypto.sha256(LEAF, signed);
  for (let at = 1, position = place[0]!; at < place.length; at += HASH_BYTES, position >>= 1) {
    const sibling = place.subarray(at, at + HASH_BYTES);
    hash = position & 1 ? inner(crypto, sibling, hash) : inner(crypto, hash, sibling);
  }
  return concat(DOMAIN, hash);
}

interface Checked {
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
  readonly verdict: Promise<boolean>;
}

/** Signatures of batches that were checked lately or are being checked, so that each is checked once. Single messages are not kept. */
export class CheckedBatches {
  readonly #crypto: Crypto;
  readonly #capacity: number;
  /** by what was signed, oldest first */
  readonly #known = new Map<string, Checked>();

  constructor(crypto: Crypto, capacity = 1_024) {
    this.#crypto = crypto;
    this.#capacity = capacity;
  }

  /** As `crypto.verify` of the message at its place. */
  verify(key: Uint8Array, signed: Uint8Array, { place, signature }: Endorsement): Promise<boolean> {
    const bytes = endorsedBytes(this.#crypto, signed, place);
    if (place.length === 0) return this.#crypto.verify(key, bytes, signature);
    const name = toHex(bytes.subarray(DOMAIN.length));
    const known = this.#known.get(name);
    if (known && bytesEqual(known.key, key) && bytesEqual(known.signature, signature)) return known.verdict;
    const verdict = this.#crypto.verify(key, bytes, signature);
    // What came first stays until it is known to be wrong: nobody pushes a good one out with a bad one of the same root.
    if (known) return verdict;
    if (this.#known.size >= this.#capacity) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(name, { key, signature, verdict });
    const forget = (): void => void (this.#known.get(name)?.verdict === verdict && this.#known.delete(name));
    verdict.then((good) => good || forget(), forget);
    return verdict;
  }
}
