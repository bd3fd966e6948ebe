/** The transport of one life of a simulated machine: dials and listens on the model network; who answers has proven its key. */
import { TransportError } from '@muster/node';
import type { Channel, Crypto, Transport, TransportErrorCode, TransportListener } from '@muster/node';
import type { Chance } from '../chance.ts';
import type { Life } from '../life.ts';
import type { Host, Network } from '../network/network.ts';
import { connect, type SimulatedChannel } from './channel.ts';

const HANDSHAKE_MS = 10_000;
/** ms until a first packet that was not answered is sent again; doubles each time */
const RETRY_MS = 1_000;
/** bytes of the first packet, and of the certificates that both show */
const OPENING_BYTES = 60;
const HANDSHAKE_BYTES = 16_000;
const SECRET_BYTES = 32;
const FIRST_PORT = 49_152;
const ANY_HOST = '0.0.0.0';

/** Who listens where, for all machines of a network. */
export class Ports {
  readonly #listening = new Map<string, SimulatedTransport>();
  readonly #next = new Map<string, number>();

  free(ip: string): number {
    let port = this.#next.get(ip) ?? FIRST_PORT;
    while (this.#listening.has(`${ip}:${port}`)) port++;
    this.#next.set(ip, port + 1);
    return port;
  }

  take(address: string, transport: SimulatedTransport): void {
    if (this.#listening.has(address)) throw new TransportError('cannot_listen', `${address} is taken`);
    this.#listening.set(address, transport);
  }

  release(address: string, transport: SimulatedTransport): void {
    if (this.#listening.get(address) === transport) this.#listening.delete(address);
  }

  at(address: string): SimulatedTransport | undefined {
    return this.#listening.get(address);
  }
}

export interface SimulatedTransportParts {
  readonly network: Network;
  readonly ports: Ports;
  readonly host: Host;
  readonly life: Life;
  readonly machineKey: Uint8Array;
  readonly crypto: Pick<Crypto, 'sha256' | 'equal'>;
  readonly chance: Chance;
}

export class SimulatedTransport implements Transport {
  readonly #parts: SimulatedTransportParts;
  readonly #channels = new Set<SimulatedChannel>();
  readonly #addresses = new Set<string>();
  #onChannel: ((channel: Channel) => void) | undefined;

  constructor(parts: SimulatedTransportParts) {
    this.#parts = parts;
  }

  async listen(address: string, onChannel: (channel: Channel) => void): Promise<TransportListener> {
    const { ports, host } = this.#parts;
    const [ip, said] = address.split(/:(?=\d+$)/u);
    if (ip !== host.ip && ip !== ANY_HOST) throw new TransportError('cannot_listen', `${address} is no address of this machine`);
    const bound = `${host.ip}:${said === '0' ? ports.free(host.ip) : said}`;
    ports.take(bound, this);
    this.#addresses.add(bound);
    this.#onChannel = onChannel;
    const refused: Partial<Record<TransportErrorCode, number>> = {};
    return {
      address: bound,
      refused,
      [Symbol.asyncDispose]: async () => {
        ports.release(bound, this);
        this.#addresses.delete(bound);
      },
    };
  }

  dial(address: string, machineKeyHash: Uint8Array | undefined, signal: AbortSignal): Promise<Channel> {
    const { network, life } = this.#parts;
    const { promise, resolve, reject } = Promise.withResolvers<Channel>();
    const attempt = new Attempt();
    const stop = (error: TransportError): void => {
      if (!attempt.end()) return;
      signal.removeEventListener('abort', onAbort);
      reject(error);
    };
    const onAbort = (): void =>
      stop(
        signal.reason instanceof TransportError ? signal.reason : new TransportError('closed', 'the dial was abandoned', { cause: signal.reason }),
      );
    if (signal.aborted) onAbort();
    else {
      signal.addEventListener('abort', onAbort, { once: true });
      const late = network.schedule.at(
        life.now + HANDSHAKE_MS,
        () => stop(new TransportError('timeout', `no handshake within ${HANDSHAKE_MS} ms`)),
        life,
      );
      attempt.onEnd(() => (late.cancelled = true));
      this.#open(address, attempt, 0, stop, (port) => {
        if (attempt.over) return;
        const channel = this.#shake(port, address, machineKeyHash, stop);
        if (!channel || !attempt.end()) return;
        signal.removeEventListener('abort', onAbort);
        resolve(channel);
      });
    }
    return promise;
  }

  /** The process is gone: its connections end, and whoever can be reached hears of it; in the dark nobody does. */
  end(heard: boolean): void {
    for (const address of this.#addresses) this.#parts.ports.release(address, this);
    if (heard) for (const channel of this.#channels) channel.cut();
    this.#channels.clear();
  }

  /** First packets, until one is answered. */
  #open(address: string, attempt: Attempt, tries: number, stop: (error: TransportError) => void, opened: (peer: SimulatedTransport) => void): void {
    const { network, host, life, ports } = this.#parts;
    if (attempt.over || !life.alive) return;
    const [ip = ''] = address.split(/:(?=\d+$)/u);
    const there = network.at(ip);
    const { schedule } = network;
    const retry = schedule.at(life.now + RETRY_MS * 2 ** tries, () => this.#open(address, attempt, tries + 1, stop, opened), life);
    attempt.onEnd(() => (retry.cancelled = true));
    if (!there) return;
    const going = network.send(host, there, OPENING_BYTES, life.now);
    schedule.at(going.arrives, () => {
      if (attempt.over || going.lost) return;
      if (!network.reaches(host, there)) return network.blocked(host, there, OPENING_BYTES, attempt);
      const coming = network.send(there, host, OPENING_BYTES, schedule.now);
      schedule.at(
        coming.arrives,
        () => {
          if (attempt.over || coming.lost) return;
          if (!network.reaches(there, host)) return network.blocked(there, host, OPENING_BYTES, attempt);
          retry.cancelled = true;
          const peer = ports.at(address);
          if (!peer) return stop(new TransportError('unreachable', `nobody answers at ${address}`));
          this.#handshake(there, peer, attempt, 0, opened);
        },
        life,
      );
    });
  }

  /** Certificates both ways take one more round trip, and the peer's process to be there. */
  #handshake(there: Host, peer: SimulatedTransport, attempt: Attempt, tries: number, opened: (peer: SimulatedTransport) => void): void {
    const { network, host, life } = this.#parts;
    const { schedule } = network;
    if (attempt.over || !life.alive) return;
    const again = schedule.at(life.now + RETRY_MS * 2 ** tries, () => this.#handshake(there, peer, attempt, tries + 1, opened), life);
    attempt.onEnd(() => (again.cancelled = true));
    const going = network.send(host, there, HANDSHAKE_BYTES, life.now);
    schedule.at(going.arrives, () => {
      if (going.lost) return;
      if (!network.reaches(host, there)) return network.blocked(host, there, HANDSHAKE_BYTES, attempt);
      schedule.at(
        schedule.now,
        () => {
          const coming = network.send(there, host, HANDSHAKE_BYTES, peer.#parts.life.now);
          schedule.at(
            coming.arrives,
            () => {
              if (coming.lost) return;
              if (!network.reaches(there, host)) return network.blocked(there, host, HANDSHAKE_BYTES, attempt);
              again.cancelled = true;
              opened(peer);
            },
            life,
          );
        },
        peer.#parts.life,
      );
    });
  }

  /** The peer's certificate is here: judged, and the channel is made. The other end has it when ours got there. */
  #shake(peer: SimulatedTransport, address: string, wanted: Uint8Array | undefined, stop: (error: TransportError) => void): Channel | undefined {
    const { network, host, life, machineKey, crypto, chance, ports } = this.#parts;
    const there = peer.#parts;
    if (wanted && !crypto.equal(crypto.sha256(there.machineKey), wanted)) {
      stop(new TransportError('wrong_machine', `another machine answers at ${address}`));
      return undefined;
    }
    const own = { host, life, key: machineKey, address: `${host.ip}:${ports.free(host.ip)}` };
    const [here, other] = connect(network, chance.bytes(SECRET_BYTES), own, { host: there.host, life: there.life, key: there.machineKey, address });
    this.#keep(here);
    const finished = network.send(host, there.host, HANDSHAKE_BYTES / 2, life.now);
    network.schedule.at(finished.arrives, () => peer.#accept(other));
    return here;
  }

  #accept(channel: SimulatedChannel): void {
    const { life, network } = this.#parts;
    if (!life.alive) return channel.cut();
    network.schedule.at(
      network.schedule.now,
      () => {
        if (!this.#onChannel || this.#addresses.size === 0) return channel.cut();
        this.#keep(channel);
        this.#onChannel(channel);
      },
      life,
    );
  }

  #keep(channel: SimulatedChannel): void {
    this.#channels.add(channel);
    channel.onEnd(() => this.#channels.delete(channel));
  }
}

/** A dial that may be given up while parts of it are under way. */
class Attempt {
  over = false;
  readonly #ends: (() => void)[] = [];

  onEnd(task: () => void): void {
    this.#ends.push(task);
  }

  /** false when it was over already */
  end(): boolean {
    if (this.over) return false;
    this.over = true;
    for (const task of this.#ends) task();
    return true;
  }
}
