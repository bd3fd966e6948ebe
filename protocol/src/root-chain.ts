/**
 * Proof that a machine is a root of the shared trees, that its beat is new, and that a neighbour is no nearer to the root than it says:
 * one signature for many beats, and a hash for each step (Lamport 1981; for distances Hu, Johnson and Perrig, SEAD, 2002).
 *
 * link[n - 1] = SHA-256(link[n]); only the root knows the links to come
 * beat b      = link[16 (b + 1)] at the root; each hop passes on the hash of what it got, 15 times at most
 * signed      = "muster-root-v1" NUL ‖ network id ‖ u64 first number ‖ u64 issued ‖ link[0], by the machine
 */
import { concat, domain } from './bytes.ts';
import { ROOT_BEATS, ROOT_STEPS } from './constants.ts';
import type { Crypto, SigningKey } from './crypto.ts';
import { idBytes } from './ids.ts';
import type { NetworkId } from './ids.ts';

export interface RootAnchor {
  /** raw ML-DSA-65 key of the machine */
  readonly key: Uint8Array;
  /** number of the first beat */
  readonly first: number;
  /** Unix ms */
  readonly issued: number;
  /** link[0], 32 bytes */
  readonly end: Uint8Array;
  readonly signature: Uint8Array;
}

/** An anchor with what only its maker knows. */
export interface RootChain {
  readonly anchor: RootAnchor;
  /** proofs of the beats at the root, in order; each is secret until it is given */
  readonly beats: readonly Uint8Array[];
}

const DOMAIN = domain('muster-root-v1');

export async function makeRootChain(
  crypto: Crypto,
  machine: SigningKey,
  network: NetworkId,
  times: Pick<RootAnchor, 'first' | 'issued'>,
): Promise<RootChain> {
  const beats: Uint8Array[] = [];
  let link = crypto.randomBytes(32);
  for (let beat = 0; beat < ROOT_BEATS; beat++) {
    beats.push(link);
    link = hashes(crypto, link, ROOT_STEPS);
  }
  const unsigned = { key: machine.publicKey, ...times, end: link };
  const signature = await crypto.sign(machine, signedBytes(network, unsigned));
  return { anchor: { ...unsigned, signature }, beats: beats.toReversed() };
}

/** Signed by its key for this network? */
export function verifyRootAnchor(crypto: Crypto, network: NetworkId, anchor: RootAnchor): Promise<boolean> {
  return crypto.verify(anchor.key, signedBytes(network, anchor), anchor.signature);
}

/** Which link of its chain proves a beat, counted from 0, so many hops from the root. */
export function rootLink(beat: number, hops: number): number {
  return ROOT_STEPS * (beat + 1) - Math.min(hops, ROOT_STEPS - 1);
}

/** The link so many steps down. */
export function hashes(crypto: Pick<Crypto, 'sha256'>, link: Uint8Array, steps: number): Uint8Array {
  let hash = link;
  for (let step = 0; step < steps; step++) hash = crypto.sha256(hash);
  return hash;
}

function signedBytes(network: NetworkId, { first, issued, end }: Omit<RootAnchor, 'signature'>): Uint8Array {
  const numbers = new DataView(new ArrayBuffer(16));
  numbers.setBigUint64(0, BigInt(first));
  numbers.setBigUint64(8, BigInt(issued));
  return concat(DOMAIN, idBytes(network), new Uint8Array(numbers.buffer), end);
}
