/** An authenticated channel between two simulated processes: two flows, and the manners of a TCP connection at both ends. */
import { TransportError } from '@muster/node';
import type { Channel, ChannelEvents } from '@muster/node';
import { createHash } from 'node:crypto';
import type { Life } from '../life.ts';
import { Flow } from '../network/flow.ts';
import type { Host, Network } from '../network/network.ts';
import type { Schedule } from '../schedule.ts';

const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = HIGH_WATER_BYTES / 4;
/** a peer that does not read cannot keep a closing channel open for longer */
const LINGER_MS = 5_000;

export interface ChannelEnd {
  readonly host: Host;
  readonly life: Life;
  /** raw machine key */
  readonly key: Uint8Array;
  /** `host:port` as the other end sees it */
  readonly address: string;
}

/** Both ends of a connection that is made. `secret`: known to both and nobody else. */
export function connect(network: Network, secret: Uint8Array, dialler: ChannelEnd, listener: ChannelEnd): [SimulatedChannel, SimulatedChannel] {
  const here = new SimulatedChannel(network.schedule, secret, true, dialler, listener);
  const there = new SimulatedChannel(network.schedule, secret, false, listener, dialler);
  here.join(network, there);
  there.join(network, here);
  return [here, there];
}

export class SimulatedChannel implements Channel {
  readonly initiator: boolean;
  readonly peerKey: Uint8Array;
  readonly remoteAddress: string;
  readonly own: ChannelEnd;
  readonly #peer: ChannelEnd;
  readonly #schedule: Schedule;
  readonly #secret: Uint8Array;
  #out!: Flow;
  #in!: Flow;
  #events: ChannelEvents | undefined;
  #reason: string | undefined;
  /** no more is said from here */
  #closing = false;
  #ended = false;
  #peerEnded = false;
  #blocked = false;
  #paused = false;
  #told = false;
  #onEnd: (() => void) | undefined;

  constructor(schedule: Schedule, secret: Uint8Array, initiator: boolean, own: ChannelEnd, peer: ChannelEnd) {
    this.#schedule = schedule;
    this.#secret = secret;
    this.initiator = initiator;
    this.own = own;
    this.#peer = peer;
    this.peerKey = peer.key;
    this.remoteAddress = peer.address;
  }

  /** Called when it is over at this end. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
  }

  join(network: Network, there: SimulatedChannel): void {
    this.#out = new Flow(network, this.own.host, this.#peer.host, {
      sendsAt: () => this.own.life.now,
      arrived: (what) => there.#arrived(what),
      severed: () => there.#sever(),
      taken: () => this.#taken(),
    });
    there.#in = this.#out;
  }

  exporter(label: string): Uint8Array {
    if (this.#ended) throw new TransportError('closed', 'the channel is closed');
    return new Uint8Array(createHash('sha256').update(this.#secret).update(label).digest());
  }

  get queued(): number {
    return this.#out.queued;
  }

  start(events: ChannelEvents): void {
    if (this.#events) throw new Error('a channel is started once');
    this.#events = events;
    if (this.#ended) this.#later(() => this.#tell());
    else if (!this.#paused) this.#in.resume();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closing || this.#ended) return false;
    this.#out.push(bytes);
    if (this.#out.queued >= HIGH_WATER_BYTES) this.#blocked = true;
    return !this.#blocked;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#later(() => this.#in.resume());
  }

  close(mode: 'graceful' | 'abort' = 'graceful'): void {
    if (this.#ended) return;
    this.#reason ??= 'closed here';
    if (mode === 'abort') return this.cut();
    if (this.#closing) return;
    this.#closing = true;
    this.#out.push('end');
    // The peer's own end is seen only by reading on; what it still says is dropped.
    this.resume();
    if (this.#peerEnded) return this.#settle();
    this.#schedule.at(this.own.life.now + LINGER_MS, () => this.cut(), this.own.life);
  }

  /** Ends at once; the peer hears of it if its host can be reached. */
  cut(): void {
    if (this.#ended) return;
    this.#out.reset();
    this.#finish();
  }

  /** As when something on the way resets the connection. */
  #sever(): void {
    this.#reason ??= 'connection failed (ECONNRESET)';
    this.#later(() => this.cut());
  }

  /** false: not now */
  #arrived(what: Uint8Array | 'end' | 'reset'): boolean {
    const { life } = this.own;
    if (this.#ended || !life.alive) {
      // A host answers for a connection that it does not know any more.
      if (what !== 'reset') this.#out.reset();
      this.#in.stop();
      return true;
    }
    if (what === 'reset') {
      this.#reason ??= 'connection failed (ECONNRESET)';
      this.#later(() => this.#finish());
      return true;
    }
    if (!this.#events || (this.#paused && !this.#closing)) return false;
    if (life.paused || life.busyUntil > this.#schedule.now) {
      this.#later(() => this.#in.resume());
      return false;
    }
    if (what === 'end') {
      this.#reason ??= 'closed by the peer';
      this.#peerEnded = true;
      this.#settle();
    } else if (!this.#closing) life.guard((chunk) => this.#events!.data(chunk), what);
    return true;
  }

  /** The peer says no more: neither do we, once what waits has gone. */
  #settle(): void {
    if (!this.#closing) {
      this.#closing = true;
      this.#out.push('end');
    }
    if (this.#out.queued === 0) this.#later(() => this.#finish());
  }

  #taken(): void {
    if (this.#peerEnded && this.#closing && this.#out.queued === 0) return this.#later(() => this.#finish());
    if (!this.#blocked || this.#closing || this.#out.queued > LOW_WATER_BYTES) return;
    this.#blocked = false;
    this.#later(() => this.#events?.drain());
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#peerEnded) this.#in.stop();
    this.#onEnd?.();
    if (this.#events) this.#later(() => this.#tell());
  }

  #tell(): void {
    if (this.#told) return;
    this.#told = true;
    this.#events!.closed(this.#reason ?? 'closed by the peer');
  }

  #later(task: () => void): void {
    this.#schedule.at(this.#schedule.now, task, this.own.life);
  }
}
