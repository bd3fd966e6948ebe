import type { TLSSocket } from 'node:tls';
import { TransportError, type Channel, type ChannelEvents, type Clock } from '../ports/index.ts';

/** `write` answers false above this. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** `drain` comes below this: the pipe never runs dry while the writer wakes up. */
const LOW_WATER_BYTES = HIGH_WATER_BYTES / 4;
/** A peer that does not read cannot keep a closing channel open for longer. */
const LINGER_MS = 5_000;

/** A finished handshake as a `Channel`. Nothing is read from the socket before `start`. */
export class TlsChannel implements Channel {
  readonly initiator: boolean;
  readonly peerKey: Uint8Array;
  readonly remoteAddress: string;
  readonly #socket: TLSSocket;
  readonly #clock: Clock;
  #events: ChannelEvents | undefined;
  #reason: string | undefined;
  #closing = false;
  #ended = false;
  #blocked = false;
  #corked = false;
  #linger: Disposable | undefined;

  constructor(socket: TLSSocket, clock: Clock, proven: { initiator: boolean; peerKey: Uint8Array; remoteAddress: string }) {
    this.#socket = socket;
    this.#clock = clock;
    this.initiator = proven.initiator;
    this.peerKey = proven.peerKey;
    this.remoteAddress = proven.remoteAddress;
    socket.on('error', (error: NodeJS.ErrnoException) => (this.#reason ??= `connection failed (${error.code ?? error.message})`));
    socket.on('close', () => this.#end());
  }

  exporter(label: string): Uint8Array {
    if (this.#socket.destroyed) throw new TransportError('closed', 'the channel is closed');
    return new Uint8Array(this.#socket.exportKeyingMaterial(32, label, Buffer.alloc(0)));
  }

  get queued(): number {
    return this.#socket.writableLength;
  }

  start(events: ChannelEvents): void {
    if (this.#events) throw new Error('a channel is started once');
    this.#events = events;
    if (this.#ended) {
      queueMicrotask(() => events.closed(this.#reason ?? 'closed by the peer'));
      return;
    }
    this.#socket.on('data', (chunk: Buffer) => {
      if (!this.#closing) events.data(chunk);
    });
    this.#socket.on('end', () => {
      this.#reason ??= 'closed by the peer';
      // Not every carrier's pipe ends its own side by itself.
      this.#socket.end();
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closing || !this.#socket.writable) return false;
    this.#cork();
    this.#socket.write(bytes, this.#written);
    if (this.#socket.writableLength >= HIGH_WATER_BYTES) this.#blocked = true;
    return !this.#blocked;
  }

  pause(): void {
    if (!this.#closing) this.#socket.pause();
  }

  resume(): void {
    if (!this.#closing) this.#socket.resume();
  }

  close(mode: 'graceful' | 'abort' = 'graceful'): void {
    if (this.#ended) return;
    this.#reason ??= 'closed here';
    if (mode === 'abort') {
      this.#closing = true;
      this.#socket.destroy();
    } else if (!this.#closing) {
      this.#closing = true;
      this.#socket.end();
      // The peer's own end is seen only by reading on; what it still says is dropped.
      this.#socket.resume();
      this.#linger = this.#clock.after(LINGER_MS, () => this.#socket.destroy());
    }
  }

  /** Small writes of one turn of the event loop leave as one TLS record. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    setImmediate(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  readonly #written = (): void => {
    if (!this.#blocked || this.#closing || this.#socket.writableLength > LOW_WATER_BYTES) return;
    this.#blocked = false;
    this.#events?.drain();
  };

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#linger?.[Symbol.dispose]();
    this.#events?.closed(this.#reason ?? 'closed by the peer');
  }
}
