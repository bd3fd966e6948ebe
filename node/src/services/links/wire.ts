/**
 * Messages over a channel: two lanes (control goes before bulk, frame by frame; what is urgent overtakes other bulk), bounded queues both ways, real
 * backpressure.
 * Knows nothing of who the peer is.
 */
import {
  bulkParts,
  concat,
  decodeLinkMessage,
  encodeLinkMessage,
  frameHead,
  FrameDecoder,
  LANE_BULK,
  ProtocolError,
  Reassembler,
} from '@muster/protocol';
import type { Frame, LinkMessage } from '@muster/protocol';
import type { Channel } from '../../ports/index.ts';

/** bytes that may wait in a lane before it refuses more */
const CONTROL_QUEUE_BYTES = 512 * 1024;
const BULK_QUEUE_BYTES = 8 * 1024 * 1024;
/** bytes of urgent messages that may wait; beyond it they are bulk like any other */
const URGENT_QUEUE_BYTES = 256 * 1024;
/** messages being handled at once before reading stops */
export const HANDLING_LIMIT = 128;

export interface WireEvents {
  /** In order of arrival; must not throw or reject. While many returned promises are pending, reading stops: the peer feels it. */
  message(message: LinkMessage): void | Promise<void>;
  /** so many bytes went out */
  sent?(bytes: number): void;
  /** a message of a later protocol version, not understood here */
  unknown(): void;
  /** The peer broke the protocol in this way; `closed` follows. */
  broken(reason: string): void;
  /** Exactly once. */
  closed(reason: string): void;
}

/** shorter bodies are copied behind their heads, longer ones follow them as they are: they may go to many peers */
const SHORT_BYTES = 64;

/** What is written of one frame, in order. */
type Parts = readonly Uint8Array[];

/** First in, first out, with the bytes that wait. */
class Lane {
  #frames: Iterator<Parts>[] = [];
  #sizes: number[] = [];
  #head = 0;
  bytes = 0;
  /** messages that came in so far, and that went out whole */
  pushed = 0;
  taken = 0;

  /** `frames` of one message are made one at a time, when they are due. */
  push(frames: Iterator<Parts>, size: number): void {
    this.#frames.push(frames);
    this.#sizes.push(size);
    this.bytes += size;
    this.pushed++;
  }

  take(): Parts | undefined {
    while (this.#head < this.#frames.length) {
      const next = this.#frames[this.#head]!.next();
      if (!next.done) return next.value;
      this.bytes -= this.#sizes[this.#head++]!;
      this.taken++;
      if (this.#head === this.#frames.length || this.#head > 4096) {
        this.#frames = this.#frames.slice(this.#head);
        this.#sizes = this.#sizes.slice(this.#head);
        this.#head = 0;
      }
    }
    return undefined;
  }
}

export class Wire {
  readonly channel: Channel;
  /** resolves once the channel is closed too, with what was still to be sent out or given up */
  readonly gone: Promise<void>;
  readonly #events: WireEvents;
  readonly #control = new Lane();
  readonly #urgent = new Lane();
  readonly #bulk = new Lane();
  /** the last frame overtook bulk */
  #overtook = false;
  readonly #decoder = new FrameDecoder((frame) => this.#frame(frame));
  readonly #reassembler = new Reassembler();
  #waiters: (() => void)[] = [];
  #nextMessage = 0;
  #blocked = false;
  #handling = 0;
  #paused = false;
  #closed: string | undefined;

  constructor(channel: Channel, events: WireEvents) {
    this.channel = channel;
    this.#events = events;
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

  /** Remembers what waits now that a control message would overtake. The answer is true once all of it is out. */
  mark(): () => boolean {
    const [urgent, bulk] = [this.#urgent.pushed, this.#bulk.pushed];
    return () => this.#urgent.taken >= urgent && this.#bulk.taken >= bulk;
  }

  /** `urgent`: before other bulk that waits. false: the lane is full or the wire closed, and nothing was queued. */
  send(message: LinkMessage, urgent = false): boolean {
    if (this.closed) return false;
    const { lane, type, body } = encodeLinkMessage(message);
    const bulk = lane === LANE_BULK;
    const early = bulk && urgent && this.#urgent.bytes + body.length <= URGENT_QUEUE_BYTES;
    const queue = early ? this.#urgent : bulk ? this.#bulk : this.#control;
    if (!early && queue.bytes + body.length > (bulk ? BULK_QUEUE_BYTES : CONTROL_QUEUE_BYTES)) return false;
    this.#nextMessage = (this.#nextMessage + 1) >>> 0;
    queue.push(bulk ? bulkParts(type, this.#nextMessage, body) : controlFrame(lane, type, body).values(), body.length);
    this.#pump();
    return true;
  }

  /** Resolves when the bulk lane is at most half full, or the wire closed. */
  async room(): Promise<void> {
    while (!this.closed && this.#bulk.bytes > BULK_QUEUE_BYTES / 2) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  close(reason: string, mode: 'graceful' | 'abort' = 'graceful'): void {
    if (this.closed) return;
    // Last words: control and urgent messages still go out, bulk that waits is dropped.
    for (const lane of [this.#urgent, this.#control]) for (let frame = lane.take(); frame; frame = lane.take()) this.#write(frame);
    this.channel.close(mode);
    this.#end(reason);
  }

  #pump(): void {
    while (!this.#blocked) {
      const frame = this.#control.take() ?? this.#next();
      if (!frame) break;
      this.#write(frame);
    }
    if (this.#waiters.length > 0 && this.#bulk.bytes <= BULK_QUEUE_BYTES / 2) this.#wake();
  }

  #write(frame: Parts): void {
    for (const part of frame) {
      this.#events.sent?.(part.length);
      if (!this.channel.write(part)) this.#blocked = true;
    }
  }

  /** Urgent and other bulk turn by turn: neither can starve the other. */
  #next(): Parts | undefined {
    const urgent = this.#overtook ? undefined : this.#urgent.take();
    this.#overtook = urgent !== undefined;
    return urgent ?? this.#bulk.take() ?? this.#urgent.take();
  }

  #read(chunk: Uint8Array): void {
    if (this.closed) return;
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#events.broken(error.code);
      this.close(`protocol error: ${error.message}`, 'abort');
    }
  }

  #frame(frame: Frame): void {
    if (this.closed) return;
    const whole = frame.lane === LANE_BULK ? this.#reassembler.push(frame) : { type: frame.type, message: frame.body };
    if (!whole) return;
    const decoded = decodeLinkMessage({ lane: frame.lane, type: whole.type, body: whole.message });
    if (decoded.known) this.#handle(decoded.message);
    else this.#events.unknown();
  }

  #handle(message: LinkMessage): void {
    const pending = this.#events.message(message);
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
    this.#wake();
    this.#events.closed(reason);
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

function controlFrame(lane: number, type: number, body: Uint8Array): Parts[] {
  const head = frameHead(lane, type, body.length);
  return [body.length < SHORT_BYTES ? [concat(head, body)] : [head, body]];
}
