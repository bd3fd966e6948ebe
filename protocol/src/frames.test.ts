import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, toHex } from './bytes.ts';
import { FRAGMENT_HEADER_BYTES, FRAME_HEADER_BYTES, MAX_BULK_MESSAGE_BYTES, MAX_FRAME_BODY_BYTES } from './constants.ts';
import { bulkFrame, bulkFrames, encodeFrame, FrameDecoder, frameHead, FrameError, LANE_BULK, LANE_CONTROL, Reassembler } from './frames.ts';
import type { Frame } from './frames.ts';

const seed = { seed: 20261121 };

function decodeAll(chunks: Iterable<Uint8Array>): Frame[] {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder((frame) => frames.push(frame));
  for (const chunk of chunks) decoder.push(chunk);
  return frames;
}

function* inChunks(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (const size of sizes) yield bytes.subarray(at, (at += size));
  yield bytes.subarray(at);
}

const codeOf = (act: () => unknown) => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    return error instanceof FrameError ? error.code : error;
  }
};

const readable = (frames: readonly Frame[]) =>
  frames.map(({ lane, type, head = new Uint8Array(), body }) => ({ lane, type, body: toHex(concat(head, body)) }));

describe('frames', () => {
  test('come out as they went in, in whatever chunks', () => {
    const frame = fc.record({ lane: fc.nat(255), type: fc.nat(255), body: fc.uint8Array({ maxLength: 40 }) });
    const law = fc.property(fc.array(frame), fc.array(fc.nat(30)), (frames, sizes) => {
      const bytes = concat(...frames.map(encodeFrame));
      expect(readable(decodeAll(inChunks(bytes, sizes)))).toEqual(readable(frames));
    });
    fc.assert(law, { ...seed, numRuns: 500 });
  });

  test('have one form: u32 length, lane, type, body', () => {
    expect(toHex(encodeFrame({ lane: 1, type: 2, body: Uint8Array.of(9, 8) }))).toBe('0000000201020908');
  });

  test('may have 64 KiB, not a byte more', () => {
    const body = new Uint8Array(MAX_FRAME_BODY_BYTES);
    expect(decodeAll([encodeFrame({ lane: 0, type: 1, body })])[0]!.body.length).toBe(MAX_FRAME_BODY_BYTES);
    expect(codeOf(() => encodeFrame({ lane: 0, type: 1, body: new Uint8Array(MAX_FRAME_BODY_BYTES + 1) }))).toBe('oversize');
  });

  test('of bulk messages, written in parts, share their memory with what was sent', () => {
    const message = new Uint8Array(5_000).fill(7);
    const frames = decodeAll(bulkFrame(3, 9, message, 0));
    const whole = new Reassembler().push(frames[0]!);
    expect(whole?.message).toBe(message);
  });

  test('of which only the heads are here, and then a part of the message, are put together', () => {
    const message = Uint8Array.from({ length: 5_000 }, (_, index) => index % 251);
    const [heads, fragment] = bulkFrame(3, 9, message, 0);
    const frames = decodeAll([heads, fragment.subarray(0, 4_000), fragment.subarray(4_000)]);
    expect(new Reassembler().push(frames[0]!)?.message).toEqual(message);
  });

  test('of a bulk message are made one at a time, and the last one says so', () => {
    const message = Uint8Array.from({ length: 2.5 * MAX_FRAME_BODY_BYTES }, (_, index) => index % 251);
    const reassembler = new Reassembler();
    const whole = [];
    for (let at = 0; at < message.length;) {
      const frame = bulkFrame(3, 9, message, at);
      at += frame[1].length;
      whole.push(...decodeAll(frame).map((one) => reassembler.push(one)?.message));
    }
    expect(whole).toEqual([undefined, undefined, message]);
  });

  test('whose bodies come in one chunk are handed over as that chunk', () => {
    const body = new Uint8Array(300).fill(7);
    expect(decodeAll([frameHead(LANE_CONTROL, 3, body.length), body, frameHead(LANE_CONTROL, 4, 0)])).toEqual([
      { lane: LANE_CONTROL, type: 3, body },
      { lane: LANE_CONTROL, type: 4, body: new Uint8Array() },
    ]);
    expect(decodeAll([frameHead(LANE_CONTROL, 3, body.length), body])[0]!.body).toBe(body);
  });

  test('hold no more memory than they take, however much was read with them', () => {
    const bodies = [3, 40, 4_000].map((length) => new Uint8Array(length).fill(length));
    const read = Buffer.from(concat(...bodies.map((body) => encodeFrame({ lane: LANE_CONTROL, type: 1, body })), new Uint8Array(60_000)));
    const taken = decodeAll([read]).slice(0, bodies.length);
    expect(taken.map(({ body }) => Buffer.compare(body, bodies.shift()!))).toEqual([0, 0, 0]);
    for (const { body } of taken) expect(body.buffer.byteLength).toBeLessThanOrEqual(body.length + 64);
  });

  test('too large are refused by their length alone, after what came before was handed over', () => {
    const taken: Frame[] = [];
    const decoder = new FrameDecoder((frame) => taken.push(frame));
    const huge = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 1);
    expect(codeOf(() => decoder.push(concat(encodeFrame({ lane: 0, type: 7, body: new Uint8Array() }), huge)))).toBe('oversize');
    expect(taken.map(({ type }) => type)).toEqual([7]);
    expect(codeOf(() => decoder.push(Uint8Array.of(0)))).toBe('oversize');
  });
});

describe('bulk messages', () => {
  const message = (length: number) => new Uint8Array(length).map((_, index) => index % 251);

  test('of any length come out as they went in, interleaved or not', () => {
    const fragment = MAX_FRAME_BODY_BYTES - FRAGMENT_HEADER_BYTES;
    const lengths = [0, 1, fragment, fragment + 1, MAX_BULK_MESSAGE_BYTES];
    const reassembler = new Reassembler();
    const open = lengths.map((length, id) => ({ id, frames: bulkFrames(id + 1, id, message(length)) }));
    const done = new Map<number, Uint8Array>();
    while (done.size < lengths.length) {
      for (const { frames } of open) {
        const next = frames.next();
        if (next.done) continue;
        const whole = reassembler.push(decodeAll([next.value])[0]!);
        if (whole) done.set(whole.type, whole.message);
      }
    }
    for (const [id, length] of lengths.entries()) expect(Buffer.compare(done.get(id + 1)!, message(length))).toBe(0);
    expect(reassembler.bytes).toBe(0);
  });

  test('never keep a control frame waiting for more than one frame', () => {
    const sizes = [...bulkFrames(1, 1, message(MAX_BULK_MESSAGE_BYTES))].map((bytes) => bytes.length);
    expect(Math.max(...sizes)).toBe(MAX_FRAME_BODY_BYTES + FRAME_HEADER_BYTES);
  });

  test('too large to be read are not written', () => {
    expect(codeOf(() => [...bulkFrames(1, 1, new Uint8Array(MAX_BULK_MESSAGE_BYTES + 1))])).toBe('message_oversize');
  });

  const full = MAX_FRAME_BODY_BYTES - FRAGMENT_HEADER_BYTES;
  const fragment = (id: number, flags: number, length: number, type = 1): Frame => ({
    lane: LANE_BULK,
    type,
    body: concat(Uint8Array.of(0, 0, 0, id, flags), new Uint8Array(length)),
  });

  test.each([
    ['no fragment header', 'bad_fragment', [{ lane: LANE_BULK, type: 1, body: new Uint8Array(4) }]],
    ['unknown flags', 'bad_fragment', [fragment(1, 2, 1)]],
    ['a sliver that is not the last', 'bad_fragment', [fragment(1, 0, 1)]],
    ['a type that changes', 'bad_fragment', [fragment(1, 0, full), fragment(1, 1, 1, 2)]],
    ['a message too long', 'message_oversize', [fragment(1, 0, full), fragment(1, 0, full), fragment(1, 1, 1)]],
    ['a single fragment too long', 'message_oversize', [fragment(1, 1, full), fragment(1, 0, full), fragment(1, 0, full), fragment(1, 1, 2)]],
    ['too many unfinished', 'too_many_messages', [fragment(1, 0, full), fragment(2, 0, full), fragment(3, 0, full)]],
    ['too many bytes unfinished', 'reassembly_full', [fragment(1, 0, full), fragment(1, 0, full), fragment(2, 0, full), fragment(2, 0, full)]],
  ] as const)('are refused with %s: %s', (_what, code, frames) => {
    const reassembler = new Reassembler({ maxMessageBytes: 2 * full, maxMessages: 2, maxBytes: 3 * full });
    for (const frame of frames.slice(0, -1)) expect(codeOf(() => reassembler.push(frame))).toBe('accepted');
    expect(codeOf(() => reassembler.push(frames.at(-1)!))).toBe(code);
  });

  test('reuse an id once the message is whole', () => {
    const reassembler = new Reassembler();
    for (let round = 0; round < 3; round++) expect(reassembler.push(fragment(7, 1, 5))?.message.length).toBe(5);
    expect(LANE_CONTROL).not.toBe(LANE_BULK);
  });
});
