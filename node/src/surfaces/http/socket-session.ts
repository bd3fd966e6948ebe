/** One WebSocket (RFC 6455) with JSON text frames, each an object with a `type`. */
import { randomUUID } from 'node:crypto';
import type { Capability } from '@muster/contract';
import type { WebSocket } from 'ws';
import type { Clock } from '../../ports/index.ts';
import { SLOW_CONSUMER } from '../../ports/handlers.ts';
import type { Session } from '../../ports/handlers.ts';
import { refusalOf } from '../refusal.ts';
import type { Frame, ParsedFrame } from './frames.ts';
import { parseFrame } from './frames.ts';

const KEEP_ALIVE_MS = 30_000;
const OUTBOUND_FRAMES = 1_024;
const OUTBOUND_BYTES = 16 * 1_048_576;
/** frames from the client that wait for the handler before the socket is no longer read */
const INBOUND_FRAMES = 64;
const CLOSE_GRACE_MS = 2_000;

export interface SessionOptions {
  readonly capability: Capability;
  readonly clock: Clock;
  /** a random one when not given */
  readonly id?: string;
  /** told of defects: what a frame listener threw and is no `CapabilityError` */
  readonly onError: (error: unknown) => void;
}

/** A session over a socket that is open. `start` is called once the handler has registered its listeners. */
export class WebSocketSession implements Session<Frame, Frame> {
  readonly id: string;
  /** resolves once the socket is closed */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #options: SessionOptions;
  readonly #closeListeners: ((code?: number) => void)[] = [];
  #onFrame: (frame: Frame) => void | Promise<void> = () => {};
  #outbound = 0;
  #inbound = 0;
  #tail: Promise<void> = Promise.resolve();
  #closing = false;
  #code: number | undefined;
  #ended = false;
  #grace: Disposable | undefined;

  constructor(socket: WebSocket, options: SessionOptions) {
    this.id = options.id ?? randomUUID();
    this.#socket = socket;
    this.#options = options;
    // A broken frame (too long, not UTF-8) is reported here and then closes the socket with the proper code.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.onClose(() => resolve()));
    socket.on('close', () => this.#end());
  }

  send(frame: Frame): void {
    if (this.#closing || this.#ended) return;
    if (this.#outbound >= OUTBOUND_FRAMES || this.#socket.bufferedAmount > OUTBOUND_BYTES) return this.close(SLOW_CONSUMER, 'slow consumer');
    this.#outbound++;
    this.#socket.send(JSON.stringify(frame), () => this.#outbound--);
  }

  onFrame(listener: (frame: Frame) => void | Promise<void>): void {
    this.#onFrame = listener;
  }

  onClose(listener: (code?: number) => void): void {
    if (this.#ended) listener(this.#code);
    else this.#closeListeners.push(listener);
  }

  close(code = 1000, reason = ''): void {
    if (this.#closing || this.#ended) return;
    this.#closing = true;
    this.#code = code;
    this.#socket.close(code, reason);
    // The goodbye waits behind what the client has not read, perhaps for ever.
    this.#grace = this.#options.clock.after(CLOSE_GRACE_MS, () => this.#socket.terminate());
  }

  /** Ends the connection without a goodbye. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** Starts reading, and keeps the connection alive with `pong` frames: at once and every 30 s. */
  start(): void {
    const { capability, clock } = this.#options;
    this.#socket.on('message', (data: Buffer, binary) => this.#receive(binary ? undefined : data.toString()));
    if (!Object.hasOwn(capability.events, 'pong')) return;
    this.send({ type: 'pong' });
    const timer = clock.every(KEEP_ALIVE_MS, () => this.send({ type: 'pong' }));
    this.onClose(() => timer[Symbol.dispose]());
  }

  #receive(text: string | undefined): void {
    const parsed = parseFrame(this.#options.capability.frames ?? {}, text);
    if (parsed.ok && parsed.frame.type === 'ping') return this.send({ type: 'pong' });
    if (++this.#inbound >= INBOUND_FRAMES) this.#socket.pause();
    this.#tail = this.#tail.then(() => this.#deliver(parsed));
  }

  /** What cannot be read is answered in its turn, too: an error tells of the frame after those that were answered before it. */
  async #deliver(parsed: ParsedFrame): Promise<void> {
    try {
      if (!parsed.ok) this.send({ type: 'error', message: parsed.message });
      else if (!this.#ended) await this.#onFrame(parsed.frame);
    } catch (error) {
      const refused = refusalOf(error);
      this.send({ type: 'error', message: refused?.message ?? 'internal error' });
      if (refused !== error) this.#options.onError(error);
    } finally {
      if (this.#inbound-- === INBOUND_FRAMES && !this.#ended) this.#socket.resume();
    }
  }

  #end(): void {
    this.#ended = true;
    this.#grace?.[Symbol.dispose]();
    for (const listener of this.#closeListeners.splice(0)) listener(this.#code);
  }
}
