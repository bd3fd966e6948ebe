/** One link of a scripted peer: sends what it is told, keeps what it gets, answers nothing but pings. */
import {
  bulkFrames,
  decodeLinkMessage,
  encodeFrame,
  encodeLinkMessage,
  type Frame,
  FrameDecoder,
  type Hello,
  LANE_BULK,
  type LinkMessage,
  PING_NONCE_BYTES,
  Reassembler,
} from '@muster/protocol';
import type { Channel } from '@muster/node';
import type { LabClock } from '../clock.ts';

/** The link ended before what was waited for arrived. */
export class PeerLinkClosed extends Error {
  override readonly name = 'PeerLinkClosed';
  /** the other side's parting word, when it said one */
  readonly goodbye: string | undefined;

  constructor(reason: string, goodbye: string | undefined) {
    super(goodbye === undefined ? `the link closed: ${reason}` : `the peer said goodbye: ${goodbye}`);
    this.goodbye = goodbye;
  }
}

/** Messages kept for looking back. */
const KEPT_MESSAGES = 10_000;
const WAIT_MS = 10_000;

type MessageOf<K extends LinkMessage['kind']> = Extract<LinkMessage, { kind: K }>;

export class PeerLink {
  /** true when this side dialled */
  readonly initiator: boolean;
  /** raw machine key of the other side */
  readonly peerKey: Uint8Array;
  /** the other side's hello, once both have greeted */
  hello: Hello | undefined;
  /** resolves with the reason, whoever closed */
  readonly closed: Promise<string>;
  /** in order of arrival; the oldest go first when there are too many */
  readonly received: LinkMessage[] = [];
  readonly #channel: Channel;
  readonly #clock: LabClock;
  readonly #answersPings: boolean;
  readonly #reassembler = new Reassembler();
  readonly #decoder = new FrameDecoder((frame) => this.#frame(frame));
  #waiting = new Set<() => void>();
  #end: string | undefined;
  #mute = false;
  #messageId = 0;

  constructor(channel: Channel, clock: LabClock, answersPings: boolean) {
    this.#channel = channel;
    this.#clock = clock;
    this.#answersPings = answersPings;
    this.initiator = channel.initiator;
    this.peerKey = channel.peerKey;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.closed = promise;
    channel.start({
      data: (chunk) => this.#decoder.push(chunk),
      drain: () => undefined,
      closed: (reason) => {
        this.#end = reason;
        resolve(reason);
        this.#wake();
      },
    });
  }

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  exporter(label: string): Uint8Array {
    return this.#channel.exporter(label);
  }

  send(message: LinkMessage): void {
    const { lane, type, body } = encodeLinkMessage(message);
    if (lane === LANE_BULK) for (const frame of bulkFrames(type, this.#messageId++, body)) this.sendBytes(frame);
    else this.sendFrame({ lane, type, body });
  }

  /** Any frame, whether its body means something or not. */
  sendFrame(frame: Frame): void {
    this.sendBytes(encodeFrame(frame));
  }

  /** Any bytes, framed or not. */
  sendBytes(bytes: Uint8Array): void {
    if (!this.#mute) this.#channel.write(bytes);
  }

  ping(): void {
    this.send({ kind: 'ping', nonce: new Uint8Array(PING_NONCE_BYTES).fill(0x50) });
  }

  /** From now on it neither reads nor says anything, and keeps the socket open. */
  fallSilent(): void {
    this.#mute = true;
    this.#channel.pause();
  }

  /** The first message of a kind that has not been taken yet. @throws PeerLinkClosed; Error after 10 s */
  async next<K extends LinkMessage['kind']>(kind: K, within = WAIT_MS): Promise<MessageOf<K>> {
    const deadline = this.#clock.monotonic() + within;
    for (;;) {
      const index = this.received.findIndex((message) => message.kind === kind);
      if (index >= 0) return this.received.splice(index, 1)[0] as MessageOf<K>;
      if (this.#end !== undefined) throw new PeerLinkClosed(this.#end, this.goodbye);
      const left = deadline - this.#clock.monotonic();
      if (left <= 0) throw new Error(`no ${kind} within ${within} ms`);
      await this.#arrival(left);
    }
  }

  /** the reason that the other side gave for leaving */
  get goodbye(): string | undefined {
    return this.received.find((message) => message.kind === 'goodbye')?.reason;
  }

  close(): void {
    this.#channel.close('abort');
  }

  #frame(frame: Frame): void {
    const whole = frame.lane === LANE_BULK ? this.#reassembler.push(frame) : { message: frame.body };
    if (!whole) return;
    const decoded = decodeLinkMessage({ lane: frame.lane, type: frame.type, body: whole.message.slice() });
    if (!decoded.known) return;
    const { message } = decoded;
    if (message.kind === 'ping' && this.#answersPings) this.send({ kind: 'pong', nonce: message.nonce });
    this.received.push(message);
    if (this.received.length > KEPT_MESSAGES) this.received.shift();
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  async #arrival(within: number): Promise<void> {
    const arrived = new AbortController();
    const wake = (): void => arrived.abort();
    this.#waiting.add(wake);
    await this.#clock.sleep(within, arrived.signal).catch(() => undefined);
    this.#waiting.delete(wake);
  }
}
