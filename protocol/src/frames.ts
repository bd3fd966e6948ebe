/**
 * Framing of the byte stream between two nodes.
 *
 * frame    = u32 BE length of the body ‖ u8 lane ‖ u8 type ‖ body
 * bulk body = u32 BE message id ‖ u8 flags (bit 0: last) ‖ fragment
 *
 * A control message is one frame. A bulk message is one or more, all full but the last, so a sender can put control frames between them.
 */
import { concat, ownPart } from './bytes.ts';
import {
  FRAGMENT_HEADER_BYTES,
  FRAME_HEADER_BYTES,
  MAX_BULK_MESSAGE_BYTES,
  MAX_BULK_MESSAGES,
  MAX_FRAME_BODY_BYTES,
  MAX_REASSEMBLY_BYTES,
} from './constants.ts';
import { ProtocolError } from './errors.ts';

/** Numbered on the wire; lanes that are not known carry single frames, like control. */
export const LANE_CONTROL = 0;
export const LANE_BULK = 1;

export type FrameErrorCode =
  | 'oversize' // a body longer than a frame may have
  | 'bad_fragment' // no fragment header, unknown flags, not full though not the last, or a type that changes within a message
  | 'message_oversize' // fragments add up to more than a message may have
  | 'too_many_messages' // unfinished ones
  | 'reassembly_full'; // unfinished ones, in bytes

/** The peer broke the framing: the link must be closed. */
export class FrameError extends ProtocolError<FrameErrorCode> {
  override readonly name = 'FrameError';
}

export interface Frame {
  readonly lane: number;
  readonly type: number;
  /** may be the chunk it came in, never a small part of it */
  readonly body: Uint8Array;
  /** the fragment header, where it came in a chunk before; `body` is then without it */
  readonly head?: Uint8Array | undefined;
}

/** Throws `FrameError` (`oversize`). */
export function encodeFrame({ lane, type, body }: Frame): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + body.length);
  writeHead(frame, lane, type, body.length);
  frame.set(body, FRAME_HEADER_BYTES);
  return frame;
}

/** What stands before a body of this length. Throws `FrameError` (`oversize`). */
export function frameHead(lane: number, type: number, length: number): Uint8Array {
  const head = new Uint8Array(FRAME_HEADER_BYTES);
  writeHead(head, lane, type, length);
  return head;
}

function writeHead(bytes: Uint8Array, lane: number, type: number, length: number): void {
  if (length > MAX_FRAME_BODY_BYTES) throw new FrameError('oversize', `a frame body of ${length} bytes, at most ${MAX_FRAME_BODY_BYTES} allowed`);
  writeU32(bytes, 0, length);
  bytes[4] = lane;
  bytes[5] = type;
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

const FRAGMENT_BYTES = MAX_FRAME_BODY_BYTES - FRAGMENT_HEADER_BYTES;
const FLAG_LAST = 1;

/**
 * The frames of one bulk message. Send one message after another, control frames in between: a peer holds only so many unfinished ones.
 * `messageId` (u32) must differ from that of every unfinished message on the link. Throws `FrameError` (`message_oversize`).
 */
export function* bulkFrames(type: number, messageId: number, message: Uint8Array): Generator<Uint8Array, void, void> {
  let at = 0;
  do {
    const [head, fragment] = bulkFrame(type, messageId, message, at);
    at += fragment.length;
    yield concat(head, fragment);
  } while (at < message.length);
}

/**
 * The frame that goes on where those before it ended, as its heads and a part of the message itself: whoever sends one message to many need not copy
 * it, and a queue can hold the message instead of its frames.
 */
export function bulkFrame(type: number, messageId: number, message: Uint8Array, at: number): [head: Uint8Array, fragment: Uint8Array] {
  if (message.length > MAX_BULK_MESSAGE_BYTES) {
    throw new FrameError('message_oversize', `a message of ${message.length} bytes, at most ${MAX_BULK_MESSAGE_BYTES} allowed`);
  }
  const fragment = message.length <= FRAGMENT_BYTES ? message : message.subarray(at, at + FRAGMENT_BYTES);
  const head = new Uint8Array(FRAME_HEADER_BYTES + FRAGMENT_HEADER_BYTES);
  writeHead(head, LANE_BULK, type, FRAGMENT_HEADER_BYTES + fragment.length);
  writeU32(head, FRAME_HEADER_BYTES, messageId);
  head[FRAME_HEADER_BYTES + 4] = at + fragment.length === message.length ? FLAG_LAST : 0;
  return [head, fragment];
}

/** Cuts a stream into frames. Holds at most one frame; after an error it is of no further use. */
export class FrameDecoder {
  readonly #onFrame: (frame: Frame) => void;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  /** the fragment header, while nothing else of its frame is here */
  #head: Uint8Array | undefined;
  #body: Uint8Array | undefined;
  #bodyFilled = 0;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  /** Calls back for every frame that `chunk` completes. Throws `FrameError` (`oversize`) as soon as a length says so, before room is made for it. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerFilled < FRAME_HEADER_BYTES) {
        while (at < chunk.length && this.#headerFilled < FRAME_HEADER_BYTES) this.#header[this.#headerFilled++] = chunk[at++]!;
        if (this.#headerFilled < FRAME_HEADER_BYTES) return;
      }
      const length = this.#bodyLength();
      // No room is made for what may come in one piece.
      if (at === chunk.length && length > 0) return;
      const rest = length - this.#bodyFilled;
      if (this.#body === undefined && chunk.length - at >= rest) {
        this.#emit(ownPart(chunk, at, at + rest), this.#head);
        at += rest;
        continue;
      }
      if (this.#header[4] === LANE_BULK && this.#bodyFilled === 0 && chunk.length - at === FRAGMENT_HEADER_BYTES) {
        this.#head = chunk.slice(at);
        this.#bodyFilled = FRAGMENT_HEADER_BYTES;
        return;
      }
      this.#body ??= this.#startBody(length);
      const part = chunk.subarray(at, at + length - this.#bodyFilled);
      this.#body.set(part, this.#bodyFilled);
      this.#bodyFilled += part.length;
      at += part.length;
      if (this.#bodyFilled === length) this.#emit(this.#body);
    }
  }

  #startBody(length: number): Uint8Array {
    const body = new Uint8Array(length);
    if (this.#head) body.set(this.#head);
    return body;
  }

  #bodyLength(): number {
    const length = readU32(this.#header, 0);
    if (length > MAX_FRAME_BODY_BYTES) throw new FrameError('oversize', `a frame body of ${length} bytes, at most ${MAX_FRAME_BODY_BYTES} allowed`);
    return length;
  }

  #emit(body: Uint8Array, head?: Uint8Array): void {
    const frame = { lane: this.#header[4]!, type: this.#header[5]!, body, head };
    this.#headerFilled = 0;
    this.#head = undefined;
    this.#body = undefined;
    this.#bodyFilled = 0;
    this.#onFrame(frame);
  }
}

export interface ReassemblerLimits {
  readonly maxMessageBytes?: number;
  readonly maxMessages?: number;
  readonly maxBytes?: number;
}

interface Unfinished {
  readonly type: number;
  readonly fragments: Uint8Array[];
  bytes: number;
}

/** Puts the bulk messages of one peer together. Memory is bounded; a peer that goes beyond a bound broke the protocol. */
export class Reassembler {
  readonly #limits: Required<ReassemblerLimits>;
  readonly #partials = new Map<number, Unfinished>();
  #bytes = 0;

  constructor(limits: ReassemblerLimits = {}) {
    this.#limits = {
      maxMessageBytes: limits.maxMessageBytes ?? MAX_BULK_MESSAGE_BYTES,
      maxMessages: limits.maxMessages ?? MAX_BULK_MESSAGES,
      maxBytes: limits.maxBytes ?? MAX_REASSEMBLY_BYTES,
    };
  }

  /** bytes held for unfinished messages */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes one bulk frame; gives the message when it was the last one of it. Throws `FrameError`. */
  push({ type, body, head = body }: Frame): { readonly type: number; readonly message: Uint8Array } | undefined {
    const flags = head[4];
    if (flags === undefined || flags > FLAG_LAST) throw new FrameError('bad_fragment', 'a bulk frame without a valid fragment header');
    const id = readU32(head, 0);
    const fragment = head === body ? body.subarray(FRAGMENT_HEADER_BYTES) : body;
    const last = flags === FLAG_LAST;
    // Only whole fragments: slivers would hold far more memory than they count for.
    if (!last && fragment.length !== FRAGMENT_BYTES)
      throw new FrameError('bad_fragment', `a fragment of ${fragment.length} bytes that is not the last, ${FRAGMENT_BYTES} expected`);
    const partial = this.#partials.get(id);
    if (partial && partial.type !== type) throw new FrameError('bad_fragment', `message ${id} changes its type from ${partial.type} to ${type}`);
    const size = (partial?.bytes ?? 0) + fragment.length;
    if (size > this.#limits.maxMessageBytes) throw new FrameError('message_oversize', `a message of more than ${this.#limits.maxMessageBytes} bytes`);
    if (last) return { type, message: partial ? this.#finish(id, partial, fragment) : fragment };
    this.#hold(id, type, partial, fragment);
    return undefined;
  }

  #hold(id: number, type: number, partial: Unfinished | undefined, fragment: Uint8Array): void {
    if (this.#bytes + fragment.length > this.#limits.maxBytes)
      throw new FrameError('reassembly_full', `more than ${this.#limits.maxBytes} bytes of unfinished messages`);
    if (!partial && this.#partials.size >= this.#limits.maxMessages)
      throw new FrameError('too_many_messages', `more than ${this.#limits.maxMessages} unfinished messages`);
    const into = partial ?? { type, fragments: [], bytes: 0 };
    if (!partial) this.#partials.set(id, into);
    into.fragments.push(fragment);
    into.bytes += fragment.length;
    this.#bytes += fragment.length;
  }

  #finish(id: number, partial: Unfinished, fragment: Uint8Array): Uint8Array {
    this.#partials.delete(id);
    this.#bytes -= partial.bytes;
    return concat(...partial.fragments, fragment);
  }
}
