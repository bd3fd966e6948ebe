/**
 * Authenticated byte channels to peers. A `Carrier` is an untrusted pipe (TCP, later iroh); a `Transport` is what services see:
 * carriers with the secure channel inside, so whoever answers has proven the machine key. Simulation supplies its own `Transport`.
 */
import type { Duplex } from 'node:stream';

export interface Carrier {
  /** scheme of its addresses: `tcp` */
  readonly scheme: string;
  /** `onPipe` gets each incoming pipe, and owns it; resolves once accepting. Throws `TransportError` (`cannot_listen`). */
  listen(address: string, onPipe: (pipe: Duplex, remoteAddress: string) => void): Promise<CarrierListener>;
  /** Throws `TransportError` (`unreachable`, `closed`); an aborted `signal` also ends an attempt under way. */
  dial(address: string, signal: AbortSignal): Promise<Duplex>;
}

/** Disposing stops accepting; pipes handed over go on. */
export interface CarrierListener extends AsyncDisposable {
  /** bound `host:port` */
  readonly address: string;
}

export type TransportErrorCode =
  | 'unreachable' // nobody answers there
  | 'cannot_listen' // address taken, not ours, or not permitted
  | 'not_post_quantum' // refused the X25519MLKEM768 group
  | 'no_certificate'
  | 'wrong_key_type' // not ML-DSA-65
  | 'bad_certificate' // not signed by its own key, or malformed
  | 'expired_certificate' // outside its validity
  | 'wrong_machine' // a valid peer, but not the one that was dialled
  | 'handshake_failed' // not TLS, cut off, or any other fault of the handshake
  | 'overloaded' // more unfinished handshakes than allowed
  | 'timeout'
  | 'closed'; // here: disposed, or the caller's signal was aborted

export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface Channel {
  /** true on the side that dialled */
  readonly initiator: boolean;
  /** raw ML-DSA-65 key that the peer proved to hold; its SHA-256 is the machine id */
  readonly peerKey: Uint8Array;
  /** `host:port` as seen from here */
  readonly remoteAddress: string;
  /** 32 bytes that both ends, and nobody else, can derive (TLS exporter, RFC 8446 §7.5). Throws `TransportError` once closed. */
  exporter(label: string): Uint8Array;
  /** Queues bytes, which the caller must not change any more. false = over the high-water mark (1 MiB): wait for `drain` before writing more. After the close nothing is queued. */
  write(bytes: Uint8Array): boolean;
  /** bytes queued and not yet taken by the carrier */
  readonly queued: number;
  /** Set once, synchronously after the channel is handed over, before the first event can fire; chunks arrive in order. */
  start(events: ChannelEvents): void;
  /** stops reading (real backpressure towards the peer) until resumed */
  pause(): void;
  resume(): void;
  /** Flushes what is queued when graceful (for at most 5 s), then closes; no `data` after it. Idempotent; `abort` also cuts a graceful close short. */
  close(mode?: 'graceful' | 'abort'): void;
}

export interface ChannelEvents {
  data(chunk: Uint8Array): void;
  drain(): void;
  /** exactly once, whoever closed */
  closed(reason: string): void;
}

export interface Transport {
  /** Starts accepting on a `host:port`; rejected handshakes are counted, never surfaced as channels. */
  listen(address: string, onChannel: (channel: Channel) => void): Promise<TransportListener>;
  /** Channel to `address`; when `machineKeyHash` (SHA-256 of the key, 32 bytes) is given the peer must hold that key. Throws `TransportError`. */
  dial(address: string, machineKeyHash: Uint8Array | undefined, signal: AbortSignal): Promise<Channel>;
}

/** Disposing stops accepting and cuts unfinished handshakes; channels handed over go on. */
export interface TransportListener extends AsyncDisposable {
  /** bound `host:port` */
  readonly address: string;
  /** refused handshakes by cause */
  readonly refused: Readonly<Partial<Record<TransportErrorCode, number>>>;
}
