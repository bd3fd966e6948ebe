/** The real cryptography of the network, on the simulation's one thread and with its chance. Signatures and ciphertexts still differ from run to run; nothing that happens does. */
import { nodeCrypto } from '@muster/node';
import type { Crypto } from '@muster/node';
import type { Chance } from '../chance.ts';

/** `chance`: of one node; its keys, ids and nonces follow from it. */
export function realCrypto(chance: Chance): Crypto {
  const crypto = nodeCrypto({ synchronous: true });
  return {
    ...crypto,
    randomBytes: (length) => chance.bytes(length),
    signingKey: (seed = chance.bytes(32)) => crypto.signingKey(seed),
    kemKey: (seed = chance.bytes(64)) => crypto.kemKey(seed),
  };
}
