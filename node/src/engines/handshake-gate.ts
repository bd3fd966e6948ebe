import { splitHostPort } from '../config.ts';

/** Bounds unfinished handshakes: each holds a socket, a key exchange and a timer that a stranger made us pay for. */
export class HandshakeGate {
  readonly #total: number;
  readonly #perAddress: number;
  readonly #addresses = new Map<string, number>();
  #open = 0;

  constructor(total: number, perAddress: number) {
    this.#total = total;
    this.#perAddress = perAddress;
  }

  /** Dispose what it returns when the handshake is over; undefined = too many under way, or too many from that address. */
  enter(remoteAddress: string): Disposable | undefined {
    const host = splitHostPort(remoteAddress)?.host ?? remoteAddress;
    const count = this.#addresses.get(host) ?? 0;
    if (this.#open >= this.#total || count >= this.#perAddress) return undefined;
    this.#open++;
    this.#addresses.set(host, count + 1);
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        this.#open--;
        const remaining = this.#addresses.get(host)! - 1;
        if (remaining === 0) this.#addresses.delete(host);
        else this.#addresses.set(host, remaining);
      },
    };
  }
}
