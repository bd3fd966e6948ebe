/**
 * A TCP proxy that can silently stop forwarding one direction while all sockets stay open: what a peer behind a dead
 * one-way path looks like. What is withheld is counted, so that the fault can be shown to have bitten.
 */
import { once } from 'node:events';
import { createServer, connect, type Server, type Socket } from 'node:net';

/** `forward`: from whoever dialled the proxy to the upstream. `backward`: from the upstream to the dialler. */
export type Direction = 'forward' | 'backward';

export interface Withheld {
  readonly bytes: number;
  readonly connections: number;
}

interface Pair {
  readonly downstream: Socket;
  readonly upstream: Socket;
}

export class HalfOpenProxy implements AsyncDisposable {
  /** `127.0.0.1:port` to dial instead of the upstream */
  readonly address: string;
  readonly upstream: string;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #cut = new Map<Direction, { bytes: number; touched: Set<Pair> }>();
  #forwarded = { forward: 0, backward: 0 };

  private constructor(server: Server, address: string, upstream: string) {
    this.#server = server;
    this.address = address;
    this.upstream = upstream;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** @param upstream `host:port`; it need not listen yet */
  static async start(upstream: string): Promise<HalfOpenProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP address');
    return new HalfOpenProxy(server, `127.0.0.1:${address.port}`, upstream);
  }

  /** connections that run through it now */
  get connections(): number {
    return this.#pairs.size;
  }

  /** bytes passed on so far */
  get forwarded(): Readonly<Record<Direction, number>> {
    return { ...this.#forwarded };
  }

  /** Withholds everything of this direction from now on: bytes, ends and resets alike. Connections made later are affected too. */
  cut(direction: Direction): void {
    if (!this.#cut.has(direction)) this.#cut.set(direction, { bytes: 0, touched: new Set() });
  }

  /** what a cut has withheld so far; zero when there is none */
  withheld(direction: Direction): Withheld {
    const cut = this.#cut.get(direction);
    return { bytes: cut?.bytes ?? 0, connections: cut?.touched.size ?? 0 };
  }

  /** Forwards again. Connections that lost bytes cannot go on as if nothing had happened: they are reset. */
  heal(direction: Direction): void {
    const cut = this.#cut.get(direction);
    this.#cut.delete(direction);
    for (const pair of cut?.touched ?? []) this.#drop(pair);
  }

  #accept(downstream: Socket): void {
    const [host, port] = splitAddress(this.upstream);
    const pair: Pair = { downstream, upstream: connect({ host, port, allowHalfOpen: true, noDelay: true }) };
    this.#pairs.add(pair);
    this.#pipe(pair, 'forward', pair.downstream, pair.upstream);
    this.#pipe(pair, 'backward', pair.upstream, pair.downstream);
  }

  #pipe(pair: Pair, direction: Direction, from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => {
      const cut = this.#cut.get(direction);
      if (cut) {
        cut.bytes += chunk.length;
        cut.touched.add(pair);
        return;
      }
      this.#forwarded[direction] += chunk.length;
      if (to.write(chunk)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.on('end', () => this.#unlessCut(pair, direction, () => to.end()));
    from.on('error', () => this.#unlessCut(pair, direction, () => to.resetAndDestroy()));
    from.on('close', () => {
      this.#unlessCut(pair, direction, () => to.destroy());
      if (pair.downstream.destroyed && pair.upstream.destroyed) this.#pairs.delete(pair);
    });
  }

  #unlessCut(pair: Pair, direction: Direction, tell: () => void): void {
    const cut = this.#cut.get(direction);
    if (cut) cut.touched.add(pair);
    else tell();
  }

  #drop(pair: Pair): void {
    pair.downstream.resetAndDestroy();
    pair.upstream.resetAndDestroy();
    this.#pairs.delete(pair);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) this.#drop(pair);
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function splitAddress(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon).replace(/^\[|\]$/g, ''), Number(address.slice(colon + 1))];
}
