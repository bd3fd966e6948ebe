import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_FRAME_BODY_BYTES, MAX_PRESENCE_BYTES } from './constants.ts';
import { EncodingError, encodeStrict } from './encoding.ts';
import { LANE_CONTROL } from './frames.ts';
import type { AgentId, MachineId } from './ids.ts';
import { decodeLinkMessage, encodeLinkMessage, LinkMessageError } from './link-messages.ts';
import { encodePresenceControl } from './presence-messages.ts';
import type { PresenceControl } from './presence-messages.ts';
import { decodePresence, encodePresence, MAX_BEACON_ENVELOPE_BYTES } from './presence.ts';
import type { Beacon } from './presence.ts';

const seed = { seed: 20261121 };
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const id = bytes(32).map((each) => Buffer.from(each).toString('hex') as AgentId & MachineId);
const beacon: fc.Arbitrary<Beacon> = fc.record({
  kind: fc.constant('beacon' as const),
  machine: id,
  run: fc.maxSafeNat(),
  sent: fc.maxSafeNat(),
  count: fc.maxSafeNat(),
  interval: fc.integer({ min: 1_000, max: 100_000 }),
  addresses: fc.array(
    fc.nat(65_535).map((port) => `8.8.8.8:${port}`),
    { maxLength: 8 },
  ),
  leaving: fc.boolean(),
});
const example: Beacon = {
  kind: 'beacon',
  machine: 'ab'.repeat(32) as MachineId,
  run: 1,
  sent: 2,
  count: 3,
  interval: 1_000,
  addresses: [],
  leaving: false,
};

describe('what is gossiped of presence', () => {
  test('comes out as it went in', () => {
    fc.assert(
      fc.property(fc.oneof(beacon, fc.record({ kind: fc.constant('ask' as const), agent: id })), (said) => {
        expect(decodePresence(encodePresence(said))).toEqual(said);
      }),
      { ...seed, numRuns: 200 },
    );
  });

  test('never names an address of this host or the LAN, whoever wrote it', () => {
    const addresses = ['127.0.0.1:1', '192.168.1.2:1', '10.0.0.1:1', '[fe80::1]:1', '[::1]:1', 'localhost:1', '9.9.9.9:1'];
    expect((decodePresence(encodePresence({ ...example, addresses })) as Beacon).addresses).toEqual(['9.9.9.9:1']);
  });

  const wire = (change: readonly unknown[]): Uint8Array => encodeStrict(change);
  const machine = new Uint8Array(32);
  test.each([
    ['nothing', []],
    ['a kind that is none', [2, machine]],
    ['an ask of a short id', [1, new Uint8Array(31)]],
    ['an ask with something besides', [1, machine, 0]],
    ['a short machine id', [0, new Uint8Array(31), 1, 2, 3, 1_000, [], false]],
    ['a negative count', [0, machine, 1, 2, -3, 1_000, [], false]],
    ['an interval of no time', [0, machine, 1, 2, 3, 0, [], false]],
    ['an interval of hours', [0, machine, 1, 2, 3, 7_200_000, [], false]],
    ['nine addresses', [0, machine, 1, 2, 3, 1_000, Array.from({ length: 9 }, () => '8.8.8.8:1'), false]],
    ['a long address', [0, machine, 1, 2, 3, 1_000, ['8'.repeat(65)], false]],
    ['a farewell that is no yes or no', [0, machine, 1, 2, 3, 1_000, [], 1]],
  ])('%s is refused', (_, fields) => {
    expect(() => decodePresence(wire(fields))).toThrow(EncodingError);
  });
});

describe('what neighbours say of presence', () => {
  const time = fc.option(fc.maxSafeNat());
  const control: fc.Arbitrary<PresenceControl> = fc.oneof(
    fc.record({ kind: fc.constant('probe' as const), nonce: bytes(8) }),
    fc.record({ kind: fc.constant('echo' as const), nonce: bytes(8), heard: time, own: time }),
    fc.record({ kind: fc.constant('query' as const), walk: bytes(16), ttl: fc.integer({ min: 1, max: 5 }), target: fc.option(id) }),
    fc.record({ kind: fc.constant('answer' as const), walk: bytes(16), forwarded: fc.nat(3), beacons: fc.array(bytes(20), { maxLength: 8 }) }),
  );

  test('comes out as it went in, in the control lane', () => {
    fc.assert(
      fc.property(control, (said) => {
        const parts = encodeLinkMessage({ kind: 'presence', control: said });
        expect(parts.lane).toBe(LANE_CONTROL);
        // Also as from elsewhere: nothing is known of these bytes.
        for (const body of [parts.body, parts.body.slice()])
          expect(decodeLinkMessage({ ...parts, body })).toEqual({ known: true, message: { kind: 'presence', control: said } });
      }),
      { ...seed, numRuns: 200 },
    );
  });

  test('fits into a frame with 8 of the largest beacons', () => {
    const beacons = Array.from({ length: 8 }, () => new Uint8Array(MAX_BEACON_ENVELOPE_BYTES));
    const { length } = encodePresenceControl({ kind: 'answer', walk: new Uint8Array(16), forwarded: 3, beacons });
    expect(length).toBeLessThanOrEqual(MAX_PRESENCE_BYTES);
    expect(MAX_PRESENCE_BYTES).toBeLessThanOrEqual(MAX_FRAME_BODY_BYTES);
  });

  const walk = new Uint8Array(16);
  test.each([
    ['nothing', []],
    ['a kind that is none', [4]],
    ['a short nonce', [0, new Uint8Array(7)]],
    ['an echo from before time', [1, new Uint8Array(8), -1, null]],
    ['a query that goes nowhere', [2, walk, 0, null]],
    ['a query of six steps', [2, walk, 6, null]],
    ['a query for a short id', [2, walk, 3, new Uint8Array(31)]],
    ['a query without its id', [2, new Uint8Array(15), 3, null]],
    ['an answer that announces a crowd', [3, walk, 4, []]],
    ['an answer of nine beacons', [3, walk, 0, Array.from({ length: 9 }, () => Uint8Array.of(1))]],
    ['an answer with an oversized beacon', [3, walk, 0, [new Uint8Array(MAX_BEACON_ENVELOPE_BYTES + 1)]]],
  ])('%s breaks the protocol', (_, fields) => {
    expect(() => decodeLinkMessage({ lane: LANE_CONTROL, type: 9, body: encodeStrict(fields) })).toThrow(LinkMessageError);
  });
});
