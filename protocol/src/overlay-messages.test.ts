import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { survivesUtf8, utf8Bytes } from './bytes.ts';
import { MAX_OVERLAY_BYTES, MAX_TOPIC_ITEMS } from './constants.ts';
import { EncodingError, encodeStrict } from './encoding.ts';
import { LANE_CONTROL } from './frames.ts';
import type { MachineId } from './ids.ts';
import { decodeLinkMessage, encodeLinkMessage, LinkMessageError } from './link-messages.ts';
import { decodeOverlayControl, encodeOverlayControl } from './overlay-messages.ts';
import type { OverlayControl, TopicItem, TreeBeacon } from './overlay-messages.ts';
import type { RootAnchor } from './root-chain.ts';

const seed = { seed: 20261121 };
const machine = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex') as MachineId);
const address = fc.nat(65_535).map((port) => `127.0.0.1:${port}`);
const peer = fc.record({ machine, addresses: fc.array(address, { maxLength: 4 }) });
const hops = fc.nat(6);
const path = fc.array(machine, { maxLength: 7 });
const peers = fc.array(peer, { maxLength: 8 });
const topic = fc.string({ minLength: 1, maxLength: 60, unit: 'binary' }).filter(survivesUtf8);
const item: fc.Arbitrary<TopicItem> = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), topic, asks: fc.nat(3), known: fc.boolean(), away: fc.maxSafeNat() }),
  fc.record({ kind: fc.constantFrom('leave' as const, 'graft' as const, 'prune' as const), topic }),
);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const tree: fc.Arbitrary<TreeBeacon> = fc
  .tuple(machine, fc.maxSafeNat(), fc.option(fc.tuple(fc.nat(255), bytes(32))))
  .map(([root, seq, place]) => (place ? { root, seq, hops: place[0], proof: place[1] } : { root, seq, hops: null, proof: null }));
const anchor: fc.Arbitrary<RootAnchor> = fc.record({
  key: bytes(1952),
  first: fc.maxSafeNat(),
  issued: fc.maxSafeNat(),
  end: bytes(32),
  signature: bytes(3309),
});
const control: fc.Arbitrary<OverlayControl> = fc.oneof(
  fc.record({ kind: fc.constantFrom('join' as const, 'disconnect' as const, 'beat' as const) }),
  fc.record({ kind: fc.constant('forward_join' as const), peer, hops }),
  fc.record({ kind: fc.constant('neighbor' as const), priority: fc.constantFrom('low' as const, 'high' as const, 'merge' as const), root: machine }),
  fc.record({ kind: fc.constant('neighbor_reply' as const), accepted: fc.boolean() }),
  fc.record({ kind: fc.constant('shuffle' as const), hops, path, peers }),
  fc.record({ kind: fc.constant('shuffle_reply' as const), path, peers }),
  fc.record({ kind: fc.constant('beacon' as const), trees: fc.array(tree, { maxLength: 2 }) }),
  fc.record({ kind: fc.constant('root' as const), anchor }),
  fc.record({ kind: fc.constant('topics' as const), items: fc.array(item, { maxLength: 20 }) }),
  fc.record({
    kind: fc.constant('gone' as const),
    topic,
    messages: fc.array(fc.record({ id: machine, age: fc.maxSafeNat() }), { maxLength: 20 }),
    older: fc.maxSafeNat(),
  }),
);

describe('overlay messages', () => {
  test('come out as they went in, in the control lane', () => {
    const law = fc.property(control, (said) => {
      const parts = encodeLinkMessage({ kind: 'overlay', control: said });
      expect(parts.lane).toBe(LANE_CONTROL);
      // Also as from elsewhere: nothing is known of these bytes.
      for (const body of [parts.body, parts.body.slice()])
        expect(decodeLinkMessage({ ...parts, body })).toEqual({ known: true, message: { kind: 'overlay', control: said } });
    });
    fc.assert(law, { ...seed, numRuns: 300 });
  });

  test('hold the largest list of the longest topics, and not one more', () => {
    const items = Array.from({ length: MAX_TOPIC_ITEMS }, (): TopicItem => {
      return { kind: 'join', topic: 'é'.repeat(128), asks: 3, known: true, away: Number.MAX_SAFE_INTEGER };
    });
    expect(encodeOverlayControl({ kind: 'topics', items }).length).toBeLessThanOrEqual(MAX_OVERLAY_BYTES);
    expect(() => encodeOverlayControl({ kind: 'topics', items: [...items, items[0]!] })).toThrow(EncodingError);
  });

  const id = new Uint8Array(32);
  test.each([
    ['nothing', []],
    ['a kind that is none', [11]],
    ['a field too many', [0, 1]],
    ['a walk without end', [1, [id, []], 7]],
    ['five addresses', [1, [id, ['a', 'a', 'a', 'a', 'a']], 1]],
    ['a short id', [1, [id.subarray(1), []], 1]],
    ['a priority that is none', [2, 3, id]],
    ['an answer that is neither yes nor no', [3, 1]],
    ['a long path', [5, 0, Array.from({ length: 8 }, () => id), []]],
    ['nine machines', [6, [], Array.from({ length: 9 }, () => [id, []])]],
    ['three trees', [7, Array.from({ length: 3 }, () => [id, 1, 1, id])]],
    ['far away', [7, [[id, 1, 256, id]]]],
    ['a place without proof', [7, [[id, 1, 1, null]]]],
    ['a proof of nothing', [7, [[id, 1, null, id]]]],
    ['a short proof', [7, [[id, 1, 1, id.subarray(1)]]]],
    ['an anchor without its end', [10, [id, 1, 1, new Uint8Array(), id]]],
    ['no topic', [8, [[1, '']]]],
    ['a long topic', [8, [[1, 'x'.repeat(257)]]]],
    ['an item that is none', [8, [[5, 't']]]],
    ['an ask of a third tree', [8, [[0, 't', 4, true, 0]]]],
    ['a gap of less than nothing', [8, [[4, 't', -1]]]],
  ])('refuse %s', (_what, value) => {
    expect(() => decodeOverlayControl(encodeStrict(value))).toThrow(EncodingError);
    expect(() => decodeLinkMessage({ lane: LANE_CONTROL, type: 6, body: encodeStrict(value) })).toThrow(LinkMessageError);
  });

  test('refuse whatever else comes, without any other error', () => {
    const law = fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string().map(utf8Bytes)), (bytes) => {
      try {
        decodeOverlayControl(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(EncodingError);
      }
    });
    fc.assert(law, { ...seed, numRuns: 500 });
  });
});
