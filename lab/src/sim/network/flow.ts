/**
 * One direction of a connection: what goes in comes out, in order and once, as long as packets get through at all. What is lost or blocked
 * is sent again, later each time (RFC 6298); what comes behind it waits. Nothing is sent that the receiver's window has no room for.
 */
import type { Host, Network } from './network.ts';
import { digestOf } from '../trace.ts';

const PACKET_BYTES = 64 * 1024;
const RESET_BYTES = 40;
/** bytes that may be under way or unread at the other end */
const WINDOW_BYTES = 512 * 1024;
const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 120_000;

/** The end of what is sent, in good order (`end`) or at once (`reset`). */
type Mark = 'end' | 'reset';

export interface FlowEnds {
  /** virtual ms at which the sender gets to send: later than now when it is busy */
  readonly sendsAt: () => number;
  /** Something arrived: bytes, or a mark. false: the process there cannot take it now, and calls `resume` when it can. */
  readonly arrived: (what: Uint8Array | Mark) => boolean;
  /** The connection is over, at both ends, in the middle of what arrived last. */
  readonly severed: () => void;
  /** bytes that waited to be sent have gone */
  readonly taken: () => void;
}

interface Packet {
  readonly parts: (Uint8Array | Mark)[];
  /** of its parts, those that were taken */
  taken: number;
  bytes: number;
  /** virtual ms at which it arrives, if nothing blocks it, and how many of them it is on the way */
  arrives: number;
  travels: number;
  sentAt: number;
  tries: number;
  lost: boolean;
}

export class Flow {
  readonly #network: Network;
  readonly #from: Host;
  readonly #to: Host;
  readonly #ends: FlowEnds;
  #unsent: (Uint8Array | Mark)[] = [];
  #packets: Packet[] = [];
  #underWay = 0;
  #scheduled = false;
  #stopped = false;
  #resting = false;
  /** bytes that the sender has not been told to be rid of, though they arrived: the way back is blocked */
  #untold = 0;
  /** not sent yet */
  queued = 0;

  constructor(network: Network, from: Host, to: Host, ends: FlowEnds) {
    this.#network = network;
    this.#from = from;
    this.#to = to;
    this.#ends = ends;
  }

  push(part: Uint8Array | Mark): void {
    if (this.#stopped) return;
    if (this.#unsent.length === 0 && this.#underWay < WINDOW_BYTES) {
      this.#put(part);
      return this.#sent();
    }
    this.#unsent.push(part);
    this.queued += sizeOf(part);
    this.#send();
  }

  /** Nothing more arrives, nothing more is sent. */
  stop(): void {
    this.#stopped = true;
    this.#unsent = [];
    this.#packets = [];
    this.queued = 0;
  }

  /** Ends it at once: what waits is not sent any more, and the other end hears of that, if the one packet that says so gets through. */
  reset(): void {
    this.stop();
    const { arrives, lost } = this.#network.send(this.#from, this.#to, RESET_BYTES, this.#ends.sendsAt());
    this.#network.schedule.at(arrives, () => {
      if (!lost && this.#network.reaches(this.#from, this.#to)) this.#ends.arrived('reset');
    });
  }

  /** The receiver takes again. */
  resume(): void {
    this.#resting = false;
    if (!this.#scheduled) this.#deliver();
  }

  #send(): void {
    let sent = false;
    while (this.#unsent.length > 0 && this.#underWay < WINDOW_BYTES) {
      const part = this.#unsent.shift()!;
      this.queued -= sizeOf(part);
      this.#put(part);
      sent = true;
    }
    if (sent) this.#sent();
    else if (!this.#scheduled) this.#wait();
  }

  #sent(): void {
    if (!this.#scheduled) this.#wait();
    this.#ends.taken();
  }

  /** What is written at one time travels together. */
  #put(part: Uint8Array | Mark): void {
    const bytes = sizeOf(part);
    this.#underWay += bytes;
    const sentAt = this.#ends.sendsAt();
    const last = this.#packets[this.#packets.length - 1];
    if (last && last.sentAt === sentAt && last.tries === 1 && last.bytes + bytes <= PACKET_BYTES) {
      last.parts.push(part);
      last.bytes += bytes;
      last.arrives = this.#network.prolong(this.#from, this.#to, bytes, last);
      return;
    }
    const packet: Packet = { parts: [part], taken: 0, bytes, arrives: 0, travels: 0, sentAt, tries: 0, lost: false };
    this.#launch(packet, sentAt);
    this.#packets.push(packet);
  }

  #launch(packet: Packet, time: number): void {
    const { arrives, travels, lost } = this.#network.send(this.#from, this.#to, packet.bytes, time);
    packet.arrives = arrives;
    packet.travels = travels;
    packet.lost = lost;
    packet.tries++;
  }

  #wait(): void {
    const [first] = this.#packets;
    if (!first || this.#resting) return;
    this.#scheduled = true;
    this.#network.schedule.at(first.arrives, this.#due);
  }

  readonly #due = (): void => {
    this.#scheduled = false;
    this.#deliver();
  };

  /** The first packet is there, or is not. */
  #deliver(): void {
    const [first] = this.#packets;
    const { schedule, counts } = this.#network;
    if (!first || this.#stopped || this.#resting) return;
    if (first.arrives > schedule.now) return this.#wait();
    const blocked = !this.#network.reaches(this.#from, this.#to);
    if (blocked || first.lost) {
      if (blocked) this.#network.blocked(this.#from, this.#to, first.bytes, this);
      return this.#again(first);
    }
    while (first.taken < first.parts.length) {
      const part = first.parts[first.taken]!;
      const passes = typeof part === 'string' ? undefined : this.#network.severs(this.#from, this.#to, part.length);
      if (!this.#ends.arrived(typeof part === 'string' || passes === undefined ? part : part.subarray(0, passes))) {
        this.#resting = !this.#stopped;
        return;
      }
      if (this.#stopped) return;
      if (passes !== undefined) {
        this.#network.severed(this.#from, this.#to, sizeOf(part), passes);
        return this.#ends.severed();
      }
      first.taken++;
      this.#arrived(part);
    }
    counts.delivered++;
    this.#packets.shift();
    this.#told(RETRY_FIRST_MS);
    if (!this.#scheduled) this.#wait();
  }

  /** Sent again later: the line is free until then. */
  #again(packet: Packet): void {
    const { schedule } = this.#network;
    this.#scheduled = true;
    schedule.at(schedule.now + Math.min(RETRY_FIRST_MS * 2 ** (packet.tries - 1), RETRY_MAX_MS), () => {
      this.#scheduled = false;
      if (this.#stopped) return;
      this.#launch(packet, schedule.now);
      this.#wait();
    });
  }

  #arrived(part: Uint8Array | Mark): void {
    const { trace, schedule } = this.#network;
    const bytes = sizeOf(part);
    this.#untold += bytes;
    this.#network.carried(this.#from, this.#to, bytes);
    trace.note(
      'bytes',
      schedule.now,
      this.#from.index,
      this.#to.index,
      bytes,
      typeof part === 'string' ? part.length : trace.contents ? digestOf(part) : 0,
    );
  }

  /** The sender learns what arrived, as soon as the way back is open. */
  #told(retry: number): void {
    if (this.#stopped || this.#untold === 0) return;
    if (this.#network.reaches(this.#to, this.#from)) {
      this.#underWay -= this.#untold;
      this.#untold = 0;
      if (this.#unsent.length > 0) this.#send();
      return;
    }
    const { schedule } = this.#network;
    schedule.at(schedule.now + retry, () => this.#told(Math.min(retry * 2, RETRY_MAX_MS)));
  }
}

function sizeOf(part: Uint8Array | Mark): number {
  return typeof part === 'string' ? 0 : part.length;
}
