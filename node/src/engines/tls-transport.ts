import { constants } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import type { Crypto, SigningKey } from '@muster/protocol';
import {
  TransportError,
  type Carrier,
  type Channel,
  type Clock,
  type Transport,
  type TransportErrorCode,
  type TransportListener,
} from '../ports/index.ts';
import { HandshakeGate } from './handshake-gate.ts';
import { TlsChannel } from './tls-channel.ts';
import { provenKey, tlsIdentity } from './tls-identity.ts';

/** The only group: classical peers find no common one. */
const GROUP = 'X25519MLKEM768';
const HANDSHAKE_MS = 10_000;
const MAX_HANDSHAKES = 256;
const MAX_HANDSHAKES_PER_ADDRESS = 64;

/** How OpenSSL says that the two sides share neither TLS 1.3 nor the group, on either side. */
const NOT_POST_QUANTUM = new Set([
  'ERR_SSL_NO_SUITABLE_KEY_SHARE',
  'ERR_SSL_NO_SUITABLE_GROUPS',
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
]);

export interface TlsTransportParts {
  readonly carrier: Carrier;
  readonly crypto: Crypto;
  readonly machineKey: SigningKey;
  readonly clock: Clock;
  /** ms from the first byte (or the dial) to a judged peer; 10,000 */
  readonly handshakeMs?: number;
  /** unfinished incoming handshakes at a time, in all and from one address; 256 and 64 */
  readonly maxHandshakes?: number;
  readonly maxHandshakesPerAddress?: number;
}

/**
 * The secure channel over any carrier: TLS 1.3 only, X25519MLKEM768 only, mutual self-signed ML-DSA-65 machine certificates, no resumption.
 * Both sides judge the peer before a channel is handed over; the dialler may have its channel before the listener has judged, so services say hello inside.
 */
export function tlsTransport(parts: TlsTransportParts): Transport {
  return new TlsTransport(parts);
}

async function secureContext({ crypto, machineKey, clock }: TlsTransportParts): Promise<SecureContext> {
  const identity = await tlsIdentity(crypto, machineKey, clock.now());
  // Without tickets nothing can be resumed: Node keeps no sessions by itself.
  return createSecureContext({
    ...identity,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ecdhCurve: GROUP,
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
}

class TlsTransport implements Transport {
  readonly #parts: TlsTransportParts;
  readonly #context: Promise<SecureContext>;

  constructor(parts: TlsTransportParts) {
    this.#parts = parts;
    this.#context = secureContext(parts);
    // Whoever listens or dials awaits it, and gets the error.
    this.#context.catch(() => {});
  }

  async dial(address: string, machineKeyHash: Uint8Array | undefined, signal: AbortSignal): Promise<Channel> {
    const { carrier, crypto, clock } = this.#parts;
    const secureContext = await this.#context;
    using deadline = this.#deadline();
    const stop = AbortSignal.any([signal, deadline.signal]);
    const pipe = await carrier.dial(address, stop);
    const socket = connect({ socket: pipe, secureContext, rejectUnauthorized: false, checkServerIdentity: () => undefined });
    return await this.#shake(socket, pipe, stop, (peerKey) => {
      if (machineKeyHash && !crypto.equal(crypto.sha256(peerKey), machineKeyHash))
        throw new TransportError('wrong_machine', `another machine answers at ${address}`);
      return new TlsChannel(socket, clock, { initiator: true, peerKey, remoteAddress: address });
    });
  }

  async listen(address: string, onChannel: (channel: Channel) => void): Promise<TransportListener> {
    const { carrier, maxHandshakes = MAX_HANDSHAKES, maxHandshakesPerAddress = MAX_HANDSHAKES_PER_ADDRESS } = this.#parts;
    const secureContext = await this.#context;
    const gate = new HandshakeGate(maxHandshakes, maxHandshakesPerAddress);
    const disposed = new AbortController();
    const refused: Partial<Record<TransportErrorCode, number>> = {};
    const refuse = (code: TransportErrorCode): void => {
      refused[code] = (refused[code] ?? 0) + 1;
    };
    const listener = await carrier.listen(address, (pipe, remoteAddress) => {
      const place = gate.enter(remoteAddress);
      if (!place) {
        refuse('overloaded');
        return drop(pipe);
      }
      this.#accept(secureContext, pipe, remoteAddress, disposed.signal)
        .finally(() => place[Symbol.dispose]())
        .then(onChannel, (error: unknown) => {
          if (!(error instanceof TransportError)) throw error;
          if (!disposed.signal.aborted) refuse(error.code);
        });
    });
    return {
      address: listener.address,
      refused,
      [Symbol.asyncDispose]: async () => {
        disposed.abort(new TransportError('closed', 'the listener was disposed'));
        await listener[Symbol.asyncDispose]();
      },
    };
  }

  async #accept(secureContext: SecureContext, pipe: Duplex, remoteAddress: string, disposed: AbortSignal): Promise<Channel> {
    using deadline = this.#deadline();
    const socket = new TLSSocket(pipe, { isServer: true, secureContext, requestCert: true, rejectUnauthorized: false });
    const stop = AbortSignal.any([disposed, deadline.signal]);
    return await this.#shake(
      socket,
      pipe,
      stop,
      (peerKey) => new TlsChannel(socket, this.#parts.clock, { initiator: false, peerKey, remoteAddress }),
    );
  }

  #deadline(): Disposable & { readonly signal: AbortSignal } {
    const { clock, handshakeMs = HANDSHAKE_MS } = this.#parts;
    const controller = new AbortController();
    const timer = clock.after(handshakeMs, () => controller.abort(new TransportError('timeout', `no handshake within ${handshakeMs} ms`)));
    return { signal: controller.signal, [Symbol.dispose]: () => timer[Symbol.dispose]() };
  }

  /** Waits for the handshake, judges the peer and hands over what `judge` makes of its key; leaves nothing open when any of it fails. */
  #shake(socket: TLSSocket, pipe: Duplex, stop: AbortSignal, judge: (peerKey: Uint8Array) => Channel): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const settle = (error?: TransportError): void => {
        stop.removeEventListener('abort', onStop);
        socket.off('secure', onSecure).off('error', onError).off('close', onClose);
        if (!error) return;
        drop(socket);
        drop(pipe);
        reject(error);
      };
      const onStop = (): void =>
        settle(
          stop.reason instanceof TransportError ? stop.reason : new TransportError('closed', 'the handshake was abandoned', { cause: stop.reason }),
        );
      const onError = (error: Error): void => settle(handshakeError(error));
      const onClose = (): void => settle(new TransportError('handshake_failed', 'the peer cut the handshake off'));
      const onSecure = (): void => {
        try {
          resolve(judge(provenKey(socket, this.#parts.clock.now())));
          settle();
        } catch (error) {
          settle(
            error instanceof TransportError
              ? error
              : new TransportError('handshake_failed', "the peer's certificate could not be judged", { cause: error }),
          );
        }
      };
      socket.on('secure', onSecure).on('error', onError).on('close', onClose);
      if (stop.aborted) onStop();
      else stop.addEventListener('abort', onStop, { once: true });
    });
  }
}

function handshakeError(error: NodeJS.ErrnoException): TransportError {
  const postQuantum = !NOT_POST_QUANTUM.has(error.code ?? '');
  return new TransportError(
    postQuantum ? 'handshake_failed' : 'not_post_quantum',
    postQuantum ? `the handshake failed (${error.code ?? error.message})` : `the peer does not speak TLS 1.3 with ${GROUP}`,
    { cause: error },
  );
}

function drop(stream: Duplex): void {
  // Whatever it still complains about has been reported already.
  stream.on('error', () => {});
  stream.destroy();
}
