/**
 * Messages over a channel: two lanes (control goes before bulk, frame by frame), and in the bulk lane three queues that take turns, so that neither signs
 * of life nor direct messages wait behind a flood; bounded queues both ways, real backpressure.
 * Knows nothing of who the peer is.
 */
import {
  bulkFrame,
  decodeLinkMessage,
  encodeFrame,
  encodeLinkMessage,
  frameHead,
  FrameDecoder,
  LANE_BULK,
  ProtocolError,
  Reassembler,
} from '@muster/protocol';
import type { Frame, LinkMessage, LinkParts } from '@muster/protocol';
import type { Channel } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';

/** bytes that may wait in a queue before it refuses more; urgent messages beyond it are bulk like any other */
const QUEUE_BYTES = { control: 512 * 1024, urgent: 256 * 1024, direct: 1024 * 1024, bulk: 8 * 1024 * 1024 };
/** queues of the bulk lane, in the order of their turns: signs of life, direct messages, all else */
const BULK_QUEUES = ['urgent', 'direct', 'bulk'] as const;
export type BulkQueue = (typeof BULK_QUEUES)[number];
const ALL_OUT = (): boolean => true;
/** messages being handled at once before reading stops */
export const HANDLING_LIMIT = 128;

/** Who hears of what comes over a wire. */
export interface WireOwner {
  /** In order of arrival; must not throw or reject. While many returned promises are pending, reading stops: the peer feels it. */
  message(message: LinkMessage): void | Promise<void>;
  /** Exactly once. */
  closed(reason: string): void;
}

/** shorter bodies are copied behind their heads, longer ones follow them as they are: they may go to many peers */
const SHORT_BYTES = 64;

/** What is written of one frame, in order. */
type Parts = readonly Uint8Array[];

/** A message on its way out: its frames are made one at a time, when they are due. */
class Outgoing {
  readonly #parts: LinkParts;
  readonly #id: number;
  #at = 0;
  #out = false;

  constructor(parts: LinkParts, id: number) {
    this.#parts = parts;
    this.#id = id;
  }

  get bytes(): number {
    return this.#parts.body.length;
  }

  /** undefined: all of it is out */
  next(): Parts | undefined {
    if (this.#out) return undefined;
    const { lane, type, body } = this.#parts;
    if (lane !== LANE_BULK) {
      this.#out = true;
      return body.length < SHORT_BYTES ? [encodeFrame(this.#parts)] : [frameHead(lane, type, body.length), body];
    }
    const frame = bulkFrame(type, this.#id, body, this.#at);
    this.#at += frame[1].length;
    this.#out = this.#at === body.length;
    return frame;
  }
}

/** First in, first out, with the bytes that wait. */
class Queue {
  #messages: Outgoing[] = [];
  #head = 0;
  bytes = 0;
  /** messages that came in so far, and that went out whole */
  pushed = 0;
  taken = 0;
  /** who wants to know of room */
  waiters: (() => void)[] = [];

  push(message: Outgoing): void {
    this.#messages.push(message);
    this.bytes += message.bytes;
    this.pushed++;
  }

  take(): Parts | undefined {
    while (this.#head < this.#messages.length) {
      const first = this.#messages[this.#head]!;
      const next = first.next();
      if (next) return next;
      this.bytes -= first.bytes;
      this.#head++;
      this.taken++;
      if (this.#head === this.#messages.length || this.#head > 4096) {
        this.#messages = this.#messages.slice(this.#head);
        this.#head = 0;
      }
    }
    return undefined;
  }

  wake(): void {
    const { waiters } = this;
    if (waiters.length > 0) this.waiters = [];
    for (const wake of waiters) wake();
  }
}

export class Wire {
  readonly channel: Channel;
  /** resolves once the channel is closed too, with what was still to be sent out or given up */
  readonly gone: Promise<void>;
  readonly #counters: Counters;
  #owner: WireOwner;
  readonly #queues = { control: new Queue(), urgent: new Queue(), direct: new Queue(), bulk: new Queue() };
  /** of `BULK_QUEUES`: whose turn comes next */
  #turn = 0;
  readonly #decoder = new FrameDecoder((frame) => this.#frame(frame));
  readonly #reassembler = new Reassembler();
  #nextMessage = 0;
  #blocked = false;
  #handling = 0;
  #paused = false;
  #closed: string | undefined;

  constructor(channel: Channel, counters: Counters, owner: WireOwner) {
    this.channel = channel;
    this.#counters = counters;
    this.#owner = owner;
    const gone = Promise.withResolvers<void>();
    this.gone = gone.promise;
    channel.start({
      data: (chunk) => this.#read(chunk),
      drain: () => {
        this.#blocked = false;
        this.#pump();
      },
      closed: (reason) => {
        this.#end(reason);
        gone.resolve();
      },
    });
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Who hears of what comes from now on; the one before is not held on to. */
  handOver(owner: WireOwner): void {
    this.#owner = owner;
  }

  /** Remembers what waits now that a control message would overtake. The answer is true once all of it is out. */
  mark(): () => boolean {
    if (!this.#blocked) return ALL_OUT;
    const waiting = BULK_QUEUES.map((name) => ({ queue: this.#queues[name], pushed: this.#queues[name].pushed }));
    return () => waiting.every(({ queue, pushed }) => queue.taken >= pushed);
  }

  /** `queue`: of a message of the bulk lane. false: it is full or the wire closed, and nothing was queued. */
  send(message: LinkMessage, queue: BulkQueue = 'bulk'): boolean {
    if (this.closed) return false;
    const parts = encodeLinkMessage(message);
    const { length } = parts.body;
    const name = parts.lane !== LANE_BULK ? 'control' : queue === 'urgent' && !this.#fits('urgent', length) ? 'bulk' : queue;
    if (!this.#fits(name, length)) return false;
    this.#nextMessage = (this.#nextMessage + 1) >>> 0;
    const outgoing = new Outgoing(parts, this.#nextMessage);
    if (this.#blocked) this.#queues[name].push(outgoing);
    else this.#writeAtOnce(outgoing, name);
    return true;
  }

  /** Resolves when the queue is at most half full, or the wire closed. */
  async room(queue: BulkQueue = 'bulk'): Promise<void> {
    while (!this.closed && !this.#roomy(queue)) await new Promise<void>((resolve) => this.#queues[queue].waiters.push(resolve));
  }

  close(reason: string, mode: 'graceful' | 'abort' = 'graceful'): void {
    if (this.closed) return;
    // Last words: control and urgent messages still go out, bulk that waits is dropped.
    const { urgent, control } = this.#queues;
    for (const queue of [urgent, control]) for (let frame = queue.take(); frame; frame = queue.take()) this.#write(frame);
    this.channel.close(mode);
    this.#end(reason);
  }

  /** Nothing waits while the channel takes what comes: no queue is asked. */
  #writeAtOnce(message: Outgoing, name: keyof typeof QUEUE_BYTES): void {
    if (name !== 'control') this.#turn = (BULK_QUEUES.indexOf(name) + 1) % BULK_QUEUES.length;
    for (let frame = message.next(); frame; frame = message.next()) {
      this.#write(frame);
      if (this.#blocked) return this.#queues[name].push(message);
    }
  }

  #pump(): void {
    while (!this.#blocked) {
      const frame = this.#queues.control.take() ?? this.#next();
      if (!frame) break;
      this.#write(frame);
    }
    for (const queue of BULK_QUEUES) if (this.#roomy(queue)) this.#queues[queue].wake();
  }

  #fits(queue: keyof typeof QUEUE_BYTES, bytes: number): boolean {
    return this.#queues[queue].bytes + bytes <= QUEUE_BYTES[queue];
  }

  #roomy(queue: BulkQueue): boolean {
    return this.#queues[queue].bytes <= QUEUE_BYTES[queue] / 2;
  }

  #write(frame: Parts): void {
    let bytes = 0;
    for (const part of frame) {
      bytes += part.length;
      if (!this.channel.write(part)) this.#blocked = true;
    }
    this.#counters.add('link_bytes_sent_total', bytes);
  }

  /** Turn by turn: none can starve the others. */
  #next(): Parts | undefined {
    for (let tried = 0; tried < BULK_QUEUES.length; tried++) {
      const queue = BULK_QUEUES[this.#turn]!;
      this.#turn = (this.#turn + 1) % BULK_QUEUES.length;
      const frame = this.#queues[queue].take();
      if (frame) return frame;
    }
    return undefined;
  }

  #read(chunk: Uint8Array): void {
    if (this.closed) return;
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#counters.add(`links_broken_total{reason="${error.code}"}`);
      this.close(`protocol error: ${error.message}`, 'abort');
    }
  }

  #frame(frame: Frame): void {
    if (this.closed) return;
    const whole = frame.lane === LANE_BULK ? this.#reassembler.push(frame) : { type: frame.type, message: frame.body };
    if (!whole) return;
    const decoded = decodeLinkMessage({ lane: frame.lane, type: whole.type, body: whole.message });
    if (decoded.known) this.#handle(decoded.message);
    else this.#counters.add('link_messages_unknown_total');
  }

  #handle(message: LinkMessage): void {
    const pending = this.#owner.message(message);
    if (!pending) return;
    this.#handling++;
    if (this.#handling >= HANDLING_LIMIT && !this.#paused) {
      this.#paused = true;
      this.channel.pause();
    }
    void pending.finally(() => {
      this.#handling--;
      if (this.#paused && this.#handling <= HANDLING_LIMIT / 2) {
        this.#paused = false;
        this.channel.resume();
      }
    });
  }

  #end(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    for (const queue of BULK_QUEUES) this.#queues[queue].wake();
    this.#owner.closed(reason);
  }
}
