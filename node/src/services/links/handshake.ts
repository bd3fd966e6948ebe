/** Hello both ways over a fresh channel. The listener answers only a hello that it accepts, so the dialler never believes in a link that was refused. */
import { HELLO_EXPORTER_LABEL, HelloError, idOfKey, makeHello, readHello } from '@muster/protocol';
import type { Hello, HelloFields, HelloSession, LinkMessage, MachineId, NetworkId } from '@muster/protocol';
import { TransportError } from '../../ports/index.ts';
import type { Channel, Clock, Crypto } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import { errorText } from './error-text.ts';
import { patience } from './patience.ts';
import { Wire } from './wire.ts';

/** a peer that has not said hello by then is cut off */
const HELLO_TIMEOUT_MS = 5_000;
/** messages that may come between the listener's hello and our link */
const MAX_EARLY = 16;

export interface HandshakeParts {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly identity: LocalIdentity;
  readonly network: NetworkId;
  readonly counters: Counters;
  /** what is said of this node, beside its identity */
  readonly about: () => Pick<HelloFields, 'capabilities' | 'software' | 'addresses' | 'instance'>;
}

export class Handshake {
  readonly wire: Wire;
  readonly initiator: boolean;
  readonly machine: MachineId;
  readonly #parts: HandshakeParts;
  readonly #session: HelloSession;
  readonly #incoming = Promise.withResolvers<Uint8Array>();
  /** the dialler spoke after our hello: it has accepted it */
  readonly #settled = Promise.withResolvers<void>();
  readonly #early: LinkMessage[] = [];
  #answered = false;

  constructor(parts: HandshakeParts, channel: Channel) {
    const { crypto, identity, counters } = parts;
    this.#parts = parts;
    this.initiator = channel.initiator;
    this.machine = idOfKey<MachineId>(crypto, channel.peerKey);
    const exporter = channel.exporter(HELLO_EXPORTER_LABEL);
    this.#session = { exporter, initiator: this.initiator, ownMachine: identity.machineId, peerMachine: this.machine };
    this.#incoming.promise.catch(() => {});
    this.#settled.promise.catch(() => {});
    this.wire = new Wire(channel, counters, {
      message: (message) => this.#heard(message),
      closed: (reason) => this.#fail(new TransportError('closed', `closed during hello: ${reason}`)),
    });
  }

  /** The peer's hello, once both sides have accepted the other's. Throws `HelloError` or `TransportError`; the wire is `refuse`d by whoever gets that. */
  async run(): Promise<Hello> {
    const { clock, crypto, identity, network } = this.#parts;
    using _deadline = patience(clock, HELLO_TIMEOUT_MS, () => this.#fail(new TransportError('timeout', 'the peer did not say hello in time')));
    if (this.machine === identity.machineId) throw new TransportError('wrong_machine', 'that is this node itself');
    if (this.initiator) await this.#sayHello();
    const hello = await readHello(crypto, await this.#incoming.promise, network, this.#session);
    if (!this.initiator) {
      this.#answered = true;
      await this.#sayHello();
      await this.#settled.promise;
    }
    return hello;
  }

  /** what came before there was a link */
  get early(): readonly LinkMessage[] {
    return this.#early;
  }

  refuse(error: unknown): void {
    this.wire.send({ kind: 'goodbye', reason: error instanceof HelloError ? error.code : 'handshake_failed' });
    this.wire.close(errorText(error));
  }

  async #sayHello(): Promise<void> {
    const { crypto, identity, network, about } = this.#parts;
    const fields = { network, kemKey: identity.kemKey.publicKey, ...about() };
    this.wire.send({ kind: 'hello', hello: await makeHello(crypto, identity.agentKey, fields, this.#session) });
  }

  #heard(message: LinkMessage): void {
    if (message.kind === 'hello') return this.#incoming.resolve(message.hello);
    if (message.kind === 'goodbye') return this.#fail(new TransportError('closed', `the peer refused: ${message.reason}`));
    // A dialler has nothing to say before it has our hello.
    const inTurn = this.initiator ? this.#early.length < MAX_EARLY : this.#answered;
    if (!inTurn) return this.#fail(new TransportError('handshake_failed', 'the peer spoke out of turn'));
    this.#early.push(message);
    this.#settled.resolve();
  }

  #fail(error: Error): void {
    this.#incoming.reject(error);
    this.#settled.reject(error);
  }
}
