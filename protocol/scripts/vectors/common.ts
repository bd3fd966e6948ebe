import type { Crypto, SigningKey } from '../../src/crypto.ts';
import { toHex, utf8Bytes } from '../../src/bytes.ts';
import { idOfKey, parseNetworkId } from '../../src/ids.ts';
import type { MachineId } from '../../src/ids.ts';

export const NETWORK = parseNetworkId('11'.repeat(32));
export const OTHER_NETWORK = parseNetworkId('22'.repeat(32));
/** ms since the epoch */
export const NOW_MS = 1_800_000_000_000;
export const NOW_S = NOW_MS / 1000;

/** The key pair of a seed of 32 equal bytes. */
export function keyOf(crypto: Crypto, byte: number): SigningKey {
  return crypto.signingKey(new Uint8Array(32).fill(byte));
}

export function machineOf(crypto: Crypto, byte: number): MachineId {
  return idOfKey<MachineId>(crypto, keyOf(crypto, byte).publicKey);
}

export const hex = toHex;
export const text = utf8Bytes;

/** `bytes` with the byte at `index` (from the end when negative) changed in one bit. */
export function flipped(bytes: Uint8Array, index: number): Uint8Array {
  const copy = bytes.slice();
  copy[index < 0 ? bytes.length + index : index]! ^= 1;
  return copy;
}
