import { encodeFrame, encodeLinkMessage, FRAGMENT_HEADER_BYTES, FrameDecoder, LANE_BULK, LANE_CONTROL } from '@muster/protocol';
import type { LinkMessage } from '@muster/protocol';
import { expect, test } from 'vitest';
import type { Channel, ChannelEvents } from '../../ports/index.ts';
import { Counters } from '../counters.ts';
import { HANDLING_LIMIT, Wire } from './wire.ts';

const ping: LinkMessage = { kind: 'ping', nonce: new Uint8Array(8) };
const bulk = (bytes: number): LinkMessage => ({ kind: 'publish', envelope: new Uint8Array(bytes) });
const frameOf = (message: LinkMessage): Uint8Array => {
  const { lane, type, body } = encodeLinkMessage(message);
  return encodeFrame({ lane, type, body });
};

/** A wire whose channel takes frames as long as the test lets it, and what happened to it. */
function heldWire(message: (message: LinkMessage) => void | Promise<void> = () => {}) {
  const lanes: number[] = [];
  /** bytes of the messages in bulk frames */
  const sizes: number[] = [];
  const calls: string[] = [];
  let room = 0;
  const decoder = new FrameDecoder(({ lane, body, head }) => {
    room--;
    lanes.push(lane);
    if (lane === LANE_BULK) sizes.push(body.length - (head ? 0 : FRAGMENT_HEADER_BYTES));
  });
  let events: ChannelEvents;
  const channel = {
    start: (given: ChannelEvents) => void (events = given),
    write: (bytes: Uint8Array) => (decoder.push(bytes), room > 0),
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
    close: (mode: string) => void calls.push(`close ${mode}`),
  } as unknown as Channel;
  const wire = new Wire(channel, new Counters(), { message, closed: () => {} });
  return {
    wire,
    lanes,
    sizes,
    calls,
    /** takes this many frames */
    drain: (frames: number) => {
      room = frames;
      events.drain();
    },
    arrive: (...messages: LinkMessage[]) => events.data(Buffer.concat(messages.map(frameOf))),
  };
}

test('control goes before bulk, between the frames of one message', () => {
  const { wire, lanes, drain } = heldWire();
  expect(wire.send(bulk(260_000))).toBe(true);
  expect(lanes).toEqual([LANE_BULK]);
  for (let i = 0; i < 3; i++) expect(wire.send(ping)).toBe(true);
  drain(4);
  expect(lanes).toEqual([LANE_BULK, LANE_CONTROL, LANE_CONTROL, LANE_CONTROL, LANE_BULK]);
});

test('what is urgent overtakes bulk that waits, turn by turn, has room of its own, and is bulk beyond that', () => {
  const { wire, sizes, drain } = heldWire();
  const first = 1_000;
  while (wire.send(bulk(first)));
  expect(sizes.splice(0)).toEqual([first]);
  for (let i = 0; i < 3; i++) expect(wire.send(bulk(2_000), 'urgent')).toBe(true);
  drain(6);
  expect(sizes.splice(0)).toEqual([2_000, first, 2_000, first, 2_000, first]);
  let urgent = 0;
  while (wire.send(bulk(2_000), 'urgent')) urgent++;
  expect(urgent * 2_000).toBeLessThan(300 * 1024);
  expect(urgent * 2_000).toBeGreaterThan(250 * 1024);
  wire.send(ping);
  wire.close('enough');
  expect(sizes.filter((size) => size === 2_000).length).toBeGreaterThan(100);
  expect(sizes.filter((size) => size === first)).toEqual([]);
});

test('a direct message waits behind no flood, and behind signs of life only turn by turn', async () => {
  const { wire, sizes, drain } = heldWire();
  while (wire.send(bulk(1_000)));
  for (let i = 0; i < 3; i++) wire.send(bulk(2_000), 'urgent');
  for (let i = 0; i < 3; i++) expect(wire.send(bulk(3_000), 'direct')).toBe(true);
  sizes.splice(0);
  drain(9);
  expect(sizes).toEqual([2_000, 3_000, 1_000, 2_000, 3_000, 1_000, 2_000, 3_000, 1_000]);
  let direct = 0;
  while (wire.send(bulk(3_000), 'direct')) direct++;
  expect(direct * 3_000).toBeGreaterThan(1_000_000);
  expect(direct * 3_000).toBeLessThan(1_100_000);
  let roomy = 0;
  const rooms = [wire.room('direct').then(() => roomy++), wire.room().then(() => roomy++)];
  drain(2 * (direct / 2 + 1));
  await rooms[0];
  expect(roomy).toBe(1);
  wire.close('enough');
  await Promise.all(rooms);
});

test('last words go out before the end, and what waits in bulk does not', () => {
  const { wire, lanes, calls } = heldWire();
  wire.send(bulk(260_000));
  wire.send(ping);
  wire.close('enough');
  expect(lanes).toEqual([LANE_BULK, LANE_CONTROL]);
  expect(calls).toEqual(['close graceful']);
  expect(wire.send(ping)).toBe(false);
});

test.each([
  ['bulk', bulk(256 * 1024), 8 * 1024 * 1024],
  ['control', { kind: 'hello', hello: new Uint8Array(8_192) } as const, 512 * 1024],
])('a lane takes a bounded number of bytes and then refuses: %s', async (_name, message, most) => {
  const { wire, lanes, drain } = heldWire();
  const { length } = encodeLinkMessage(message).body;
  let taken = 0;
  while (taken <= (2 * most) / length && wire.send(message)) taken++;
  // The first frame of the first message may be on its way.
  expect(taken * length).toBeLessThanOrEqual(most + length);
  expect(taken * length).toBeGreaterThan(most - 2 * length);

  let roomy = false;
  const room = wire.room().then(() => (roomy = true));
  await Promise.resolve();
  expect(roomy).toBe(message.kind === 'hello');
  drain(Infinity);
  await room;
  // Nothing that was taken is lost, and there is place again.
  expect(lanes).toHaveLength(message.kind === 'hello' ? taken : lanes.length);
  expect(wire.send(message)).toBe(true);
});

test('reading stops while too many messages are being handled, and goes on when half of them are', async () => {
  const handled: (() => void)[] = [];
  const { arrive, calls } = heldWire(() => new Promise<void>((resolve) => void handled.push(resolve)));
  arrive(...Array.from({ length: HANDLING_LIMIT - 1 }, () => ping));
  expect(calls).toEqual([]);
  arrive(ping);
  expect(calls).toEqual(['pause']);
  const settle = async (count: number): Promise<void> => {
    for (const done of handled.splice(0, count)) done();
    await new Promise(setImmediate);
  };
  await settle(HANDLING_LIMIT / 2 - 1);
  expect(calls).toEqual(['pause']);
  await settle(1);
  expect(calls).toEqual(['pause', 'resume']);
});

test('what is handled at once holds up nobody', () => {
  const { arrive, calls } = heldWire();
  arrive(...Array.from({ length: 2 * HANDLING_LIMIT }, () => ping));
  expect(calls).toEqual([]);
});
