/**
 * A TCP proxy that can silently stop forwarding one direction while all sockets stay open: what a peer behind a dead
 * one-way path looks like. What is withheld is counted, so that the fault can be shown to have bitten. It can also make a direction a bad path.
 */
import { once } from 'node:events';
import { createServer, connect, type Server, type Socket } from 'node:net';
import type { Direction, LinkPath, Severed, Withheld } from './link-path.ts';
import type { LinkShaper } from './link-shaper.ts';

/** bytes that may be on the way in one direction of one connection */
const MAX_ON_THE_WAY = 256 * 1024;

interface Pair {
  readonly downstream: Socket;
  readonly upstream: Socket;
  /** cut off in the middle of a write; whoever reads still gets the first half of it */
  severed?: boolean;
}

export class HalfOpenProxy implements LinkPath, AsyncDisposable {
  /** `127.0.0.1:port` to dial instead of the upstream */
  readonly address: string;
  readonly upstream: string;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #cut = new Map<Direction, { bytes: number; touched: Set<Pair> }>();
  readonly #shapers = new Map<Direction, LinkShaper>();
  readonly #severing = new Map<Direction, number>();
  readonly #severed = new Map<Direction, Severed>();
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

  /** From now on the bytes of this direction, of all connections together, take as long as the shaper says; without one they pass at once again, behind those on the way. */
  shape(direction: Direction, shaper: LinkShaper | undefined): void {
    if (shaper) this.#shapers.set(direction, shaper);
    else this.#shapers.delete(direction);
  }

  /** The receiver sees half of the write and an end, the sender a reset. */
  sever(direction: Direction, leastBytes: number): void {
    this.#severed.delete(direction);
    this.#severing.set(direction, leastBytes);
  }

  severed(direction: Direction): Severed | undefined {
    return this.#severed.get(direction);
  }

  #accept(downstream: Socket): void {
    const [host, port] = splitAddress(this.upstream);
    const pair: Pair = { downstream, upstream: connect({ host, port, allowHalfOpen: true, noDelay: true }) };
    this.#pairs.add(pair);
    this.#pipe(pair, 'forward', pair.downstream, pair.upstream);
    this.#pipe(pair, 'backward', pair.upstream, pair.downstream);
  }

  #pipe(pair: Pair, direction: Direction, from: Socket, to: Socket): void {
    const line = new DelayLine();
    from.on('data', (chunk: Buffer) => {
      const cut = this.#cut.get(direction);
      if (cut) {
        cut.bytes += chunk.length;
        cut.touched.add(pair);
        return;
      }
      const now = performance.now();
      line.add(this.#shapers.get(direction)?.arrival(chunk.length, now) ?? now, chunk.length, () => {
        if (chunk.length >= (this.#severing.get(direction) ?? Infinity)) return this.#cutOff(pair, direction, chunk, from, to, line);
        this.#forwarded[direction] += chunk.length;
        const flows = to.write(chunk);
        if (flows && line.bytes < MAX_ON_THE_WAY) from.resume();
        if (!flows) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      if (line.bytes >= MAX_ON_THE_WAY) from.pause();
    });
    from.on('end', () => this.#unlessCut(pair, direction, () => line.add(0, 0, () => to.end())));
    from.on('error', () => this.#unlessCut(pair, direction, () => to.resetAndDestroy()));
    from.on('close', () => {
      if (!pair.severed) this.#unlessCut(pair, direction, () => line.add(0, 0, () => to.destroy()));
      if (to.destroyed) line.clear();
      if (pair.downstream.destroyed && pair.upstream.destroyed) this.#pairs.delete(pair);
    });
  }

  #unlessCut(pair: Pair, direction: Direction, tell: () => void): void {
    const cut = this.#cut.get(direction);
    if (cut) cut.touched.add(pair);
    else tell();
  }

  #cutOff(pair: Pair, direction: Direction, chunk: Buffer, from: Socket, to: Socket, line: DelayLine): void {
    const passed = chunk.length >> 1;
    this.#severing.delete(direction);
    this.#severed.set(direction, { passed, lost: chunk.length - passed });
    this.#forwarded[direction] += passed;
    // Nothing that is on the way behind it arrives, and whoever reads gets what there is of it before the end.
    pair.severed = true;
    line.clear();
    to.end(chunk.subarray(0, passed), () => to.destroy());
    from.resetAndDestroy();
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

/** Does things in order, each no earlier than its time. */
class DelayLine {
  bytes = 0;
  #waiting: { readonly at: number; readonly bytes: number; readonly act: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `at`: ms of `performance.now()` */
  add(at: number, bytes: number, act: () => void): void {
    this.#waiting.push({ at, bytes, act });
    this.bytes += bytes;
    if (this.#waiting.length === 1) this.#due();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.bytes = 0;
  }

  #due(): void {
    while (this.#waiting.length > 0) {
      const { at, bytes, act } = this.#waiting[0]!;
      const early = at - performance.now();
      if (early > 0.5) {
        this.#timer = setTimeout(() => this.#due(), early);
        return;
      }
      this.#waiting.shift();
      this.bytes -= bytes;
      act();
    }
  }
}

function splitAddress(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon).replace(/^\[|\]$/g, ''), Number(address.slice(colon + 1))];
}
