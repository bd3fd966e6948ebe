import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCrypto as crypto } from '../scripts/node-crypto.ts';
import { batchSigner, CheckedBatches, endorsedBytes, isPlace, singleSigner } from './batch.ts';
import type { Endorsement } from './batch.ts';
import { toHex, utf8Bytes } from './bytes.ts';
import { MAX_PLACE_BYTES } from './constants.ts';
import type { Crypto } from './crypto.ts';

const seed = { seed: 20261121 };
const key = crypto.signingKey(new Uint8Array(32).fill(1));
const other = crypto.signingKey(new Uint8Array(32).fill(2));
const named = (n: number, of = 'message') => Array.from({ length: n }, (_, i) => utf8Bytes(`${of} ${i}`));

/** A stand-in whose signature is a hash: trees and queues are what is tested here. */
function cheap(): Crypto & { signs: number; verifies: number } {
  const made = {
    ...crypto,
    signs: 0,
    verifies: 0,
    sign: async ({ publicKey }: { publicKey: Uint8Array }, message: Uint8Array) => (made.signs++, crypto.sha256(publicKey, message)),
    verify: async (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => (
      made.verifies++,
      crypto.equal(signature, crypto.sha256(publicKey, message))
    ),
  };
  return made;
}

/** `count` messages, the first of them signed alone while the others gather. */
async function gathered(by: Crypto, count: number): Promise<{ signed: Uint8Array; endorsement: Endorsement }[]> {
  const endorse = batchSigner(by, key);
  return Promise.all(named(count).map(async (signed) => ({ signed, endorsement: await endorse(signed) })));
}

describe('signing together', () => {
  test('costs one signature for what gathers meanwhile, and each message holds alone', async () => {
    for (const count of [1, 2, 3, 4, 6, 9, 33, 65, 66, 130]) {
      const by = cheap();
      const all = await gathered(by, count);
      expect(by.signs).toBe(1 + Math.ceil((count - 1) / 64));
      for (const { signed, endorsement } of all) {
        expect(isPlace(endorsement.place)).toBe(true);
        expect(await by.verify(key.publicKey, endorsedBytes(by, signed, endorsement.place), endorsement.signature)).toBe(true);
      }
    }
  });

  test('with the real scheme, and never the longest place exceeded', async () => {
    const all = await gathered(crypto, 66);
    expect(Math.max(...all.map(({ endorsement }) => endorsement.place.length))).toBe(MAX_PLACE_BYTES);
    const { signed, endorsement } = all[40]!;
    expect(await new CheckedBatches(crypto).verify(key.publicKey, signed, endorsement)).toBe(true);
    expect(await new CheckedBatches(crypto).verify(other.publicKey, signed, endorsement)).toBe(false);
  });

  test('signs alone what comes alone', async () => {
    const by = cheap();
    const endorse = batchSigner(by, key);
    for (const signed of named(3)) expect((await endorse(signed)).place).toHaveLength(0);
    expect(by.signs).toBe(3);
  });

  test('fails for those of one batch only', async () => {
    let calls = 0;
    const endorse = batchSigner({ ...cheap(), sign: async () => (calls++ === 1 ? Promise.reject(new Error('no chance')) : new Uint8Array(1)) }, key);
    const [first, ...batch] = named(3).map((signed) => endorse(signed));
    const ends = await Promise.allSettled(batch);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await first;
    expect((await endorse(utf8Bytes('again'))).signature).toHaveLength(1);
  });

  test('a message is endorsed at its own place only, by what nobody changed', async () => {
    const by = cheap();
    const all = await gathered(by, 14);
    const law = fc.asyncProperty(fc.integer({ min: 1, max: 13 }), fc.nat(), fc.nat(7), async (which, at, bit) => {
      const { signed, endorsement } = all[which]!;
      const place = endorsement.place.slice();
      place[at % place.length]! ^= 1 << bit;
      const holds = isPlace(place) && (await by.verify(key.publicKey, endorsedBytes(by, signed, place), endorsement.signature));
      expect(holds).toBe(false);
      const borrowed = all[which === 1 ? 2 : 1]!.endorsement;
      expect(await by.verify(key.publicKey, endorsedBytes(by, signed, borrowed.place), borrowed.signature)).toBe(false);
    });
    await fc.assert(law, { ...seed, numRuns: 300 });
  });

  test('a node of the tree is no message, nor the root a message that was signed alone', async () => {
    const by = cheap();
    const [, { signed, endorsement }] = (await gathered(by, 3)) as [unknown, { signed: Uint8Array; endorsement: Endorsement }];
    const root = endorsedBytes(by, signed, endorsement.place);
    const outer = await singleSigner(by, key)(utf8Bytes('message 1'));
    expect(toHex(root)).not.toContain(toHex(signed));
    expect(await by.verify(key.publicKey, endorsedBytes(by, signed, new Uint8Array()), endorsement.signature)).toBe(false);
    expect(await by.verify(key.publicKey, root, outer.signature)).toBe(false);
  });
});

describe('checked batches', () => {
  test('check the signature of a batch once, also when its messages come at once', async () => {
    const by = cheap();
    const all = (await gathered(by, 20)).slice(1);
    const checked = new CheckedBatches(by);
    const verdicts = await Promise.all(all.map(({ signed, endorsement }) => checked.verify(key.publicKey, signed, endorsement)));
    expect(verdicts.every(Boolean)).toBe(true);
    expect(by.verifies).toBe(1);
  });

  test('are not poisoned by a bad signature or a wrong key for a good root, whoever comes first', async () => {
    for (const badFirst of [true, false]) {
      const by = cheap();
      const [, one, two] = (await gathered(by, 3)) as [unknown, ...{ signed: Uint8Array; endorsement: Endorsement }[]];
      const checked = new CheckedBatches(by);
      const good = () => checked.verify(key.publicKey, two!.signed, two!.endorsement);
      const bad = () => checked.verify(key.publicKey, one!.signed, { ...one!.endorsement, signature: new Uint8Array(32) });
      const wrongKey = () => checked.verify(other.publicKey, one!.signed, one!.endorsement);
      const order = badFirst ? [bad, wrongKey, good] : [good, wrongKey, bad];
      const expected = badFirst ? [false, false, true] : [true, false, false];
      expect(await Promise.all(order.map((check) => check()))).toEqual(expected);
      expect([await good(), await bad(), await good()]).toEqual([true, false, true]);
    }
  });

  test('check what was signed alone every time, and keep nothing of it', async () => {
    const by = cheap();
    const checked = new CheckedBatches(by, 1);
    const [, { signed: batched, endorsement: together }] = (await gathered(by, 3)) as [unknown, { signed: Uint8Array; endorsement: Endorsement }];
    expect(await checked.verify(key.publicKey, batched, together)).toBe(true);
    const signed = utf8Bytes('alone');
    const endorsement = await singleSigner(by, key)(signed);
    for (const expected of [2, 3]) {
      expect(await checked.verify(key.publicKey, signed, endorsement)).toBe(true);
      expect(by.verifies).toBe(expected);
    }
    expect(await checked.verify(other.publicKey, signed, endorsement)).toBe(false);
    // The batch still stands: a message that was signed alone took no place.
    expect(await checked.verify(key.publicKey, batched, together)).toBe(true);
    expect(by.verifies).toBe(4);
  });

  test('do not keep a check that failed to run, and no more than their capacity', async () => {
    let fails = true;
    const by = cheap();
    const all = (await gathered(by, 3)).slice(1);
    const moody = new CheckedBatches({ ...by, verify: (...of) => (fails ? Promise.reject(new TypeError('worker lost')) : by.verify(...of)) });
    await expect(moody.verify(key.publicKey, all[0]!.signed, all[0]!.endorsement)).rejects.toThrow(TypeError);
    fails = false;
    expect(await moody.verify(key.publicKey, all[1]!.signed, all[1]!.endorsement)).toBe(true);

    const small = new CheckedBatches(by, 2);
    const batches = await Promise.all(['a', 'b', 'c'].map(async (of) => {
      const endorse = batchSigner(by, key);
      return (await Promise.all(named(3, of).map(async (signed) => ({ signed, endorsement: await endorse(signed) }))))[1]!;
    })); // prettier-ignore
    const check = async (index: number): Promise<number> => {
      const before = by.verifies;
      expect(await small.verify(key.publicKey, batches[index]!.signed, batches[index]!.endorsement)).toBe(true);
      return by.verifies - before;
    };
    expect([await check(0), await check(1), await check(1), await check(2), await check(0)]).toEqual([1, 1, 0, 1, 1]);
  });
});
