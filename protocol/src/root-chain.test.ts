import { expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { ROOT_BEATS, ROOT_STEPS } from './constants.ts';
import type { NetworkId } from './ids.ts';
import { hashes, makeRootChain, rootLink, verifyRootAnchor } from './root-chain.ts';

const network = 'ab'.repeat(32) as NetworkId;
const machine = crypto.signingKey(new Uint8Array(32).fill(1));
const chain = await makeRootChain(crypto, machine, network, { first: 1_000, issued: 2_000 });

test('a beat is proven at any distance by the hash of what was nearer, and by nothing that was known before', () => {
  const { anchor, beats } = chain;
  expect(beats).toHaveLength(ROOT_BEATS);
  for (const beat of [0, 1, ROOT_BEATS - 1]) {
    for (const hops of [0, 1, ROOT_STEPS - 1, ROOT_STEPS, 60]) {
      const proof = hashes(crypto, beats[beat]!, Math.min(hops, ROOT_STEPS - 1));
      expect(hashes(crypto, proof, rootLink(beat, hops))).toEqual(anchor.end);
    }
  }
  // From the last hop of one beat a step leads down to the one before it, and none up.
  expect(hashes(crypto, beats[1]!, ROOT_STEPS)).toEqual(beats[0]);
});

test('an anchor holds for its machine, network and numbers only', async () => {
  const { anchor } = chain;
  expect(await verifyRootAnchor(crypto, network, anchor)).toBe(true);
  expect(await verifyRootAnchor(crypto, 'cd'.repeat(32) as NetworkId, anchor)).toBe(false);
  const other = crypto.signingKey(new Uint8Array(32).fill(2)).publicKey;
  for (const change of [{ key: other }, { first: 1_001 }, { issued: 2_001 }, { end: new Uint8Array(32) }, { signature: new Uint8Array(3309) }]) {
    expect(await verifyRootAnchor(crypto, network, { ...anchor, ...change })).toBe(false);
  }
});
