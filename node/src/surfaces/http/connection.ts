/** One client connection: its requests are answered one after another, in order. */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../ports/index.ts';
import { STATUS_CODES } from './node-http.ts';

const REFUSED_BYTES_GRACE_MS = 500;

export class Connection {
  /** over the limit of connections: to be told so and closed */
  readonly surplus: boolean;
  #tail: Promise<void> = Promise.resolve();
  #pending = 0;
  #answered = 0;
  /** became a socket */
  upgraded = false;
  /** its bytes were not HTTP: nothing more is read from it */
  refused = false;

  constructor(surplus: boolean) {
    this.surplus = surplus;
  }

  /** requests not answered yet */
  get pending(): number {
    return this.#pending;
  }

  /** kept open for a next request, which may never come */
  get spare(): boolean {
    return this.#answered > 0 && this.#pending === 0 && !this.upgraded;
  }

  /** has not asked anything yet, and perhaps never will */
  get unasked(): boolean {
    return this.#answered === 0 && this.#pending === 0 && !this.upgraded;
  }

  /** Runs `task` once the earlier ones are done, unless the connection is closed by then. `task` never rejects. */
  run(socket: Duplex, task: () => Promise<void>): void {
    this.#pending++;
    this.#tail = this.#tail.then(async () => {
      if (!socket.destroyed) await task();
      this.#pending--;
      this.#answered++;
    });
  }

  /** Resolves once the requests received so far are answered. */
  idle(): Promise<void> {
    return this.#tail;
  }
}

/** Answers bytes that are not HTTP, are too many, or did not arrive in time; then closes the connection. */
export function refuseBytes(error: NodeJS.ErrnoException, socket: Duplex, connection: Connection | undefined, clock: Clock): void {
  if (connection === undefined || !socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  if (connection.refused) return;
  connection.refused = true;
  // With answers outstanding, this one would stand in the place of another.
  if (connection.pending > 0) return void socket.destroy();
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  const timer = clock.after(REFUSED_BYTES_GRACE_MS, () => socket.destroy());
  socket.once('close', () => timer[Symbol.dispose]());
}
