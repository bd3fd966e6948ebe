/** A plain TCP connection that says whatever it is told, at any pace, and understands nothing. */
import { connect, type Socket } from 'node:net';

/** Characters of what came back that are kept. */
const KEPT = 65_536;

export class RawConnection implements AsyncDisposable {
  /** what came back, byte for byte as Latin-1 */
  received = '';
  isClosed = false;
  readonly closed: Promise<void>;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.received.length < KEPT) this.received += chunk.toString('latin1');
    });
    // However it ends, `closed` says so.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        resolve();
      });
    });
  }

  /** `from`: an address of this host to call from. Resolves also when the connection is refused: it is closed then. */
  static open(address: string, from?: string): Promise<RawConnection> {
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/^\[(.*)\]$/u, '$1');
    const socket = connect({ host, port: Number(address.slice(colon + 1)), ...(from !== undefined && { localAddress: from }) });
    const connection = new RawConnection(socket);
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(connection));
      void connection.closed.then(() => resolve(connection));
    });
  }

  write(bytes: string | Uint8Array): void {
    if (!this.isClosed) this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** of the first HTTP answer; undefined when there is none */
  get status(): number | undefined {
    const status = /^HTTP\/1\.1 (\d{3}) /u.exec(this.received)?.[1];
    return status === undefined ? undefined : Number(status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }
}
