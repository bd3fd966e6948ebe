/** A link: a channel whose both ends have said hello, watched for life. */
import { PING_NONCE_BYTES, toHex } from '@muster/protocol';
import type { AgentId, Hello, LinkMessage, MachineId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import type { BulkQueue, Wire } from './wire.ts';

/** a ping every 3 s; three unanswered in a row mean the peer is gone: noticed after 9–12 s, also when only one direction is cut */
export const PING_INTERVAL_MS = 3_000;
const PINGS_UNANSWERED = 3;
export const VANISHED = 'vanished';
/** the last word of a process that ends in good order */
export const STOPPING = 'shutting down';
/** the last word on a link that the overlay has no use for: the peer is well */
export const NOT_NEEDED = 'not needed';
const FAREWELL = 'peer said goodbye: ';

/** Why a link is down whose peer had this last word. */
export const endedWith = (word: string): string => `${FAREWELL}${word}`;

/** The last word of the peer whose link is down for this reason; undefined: it had none. */
export const farewellOf = (reason: string): string | undefined => (reason.startsWith(FAREWELL) ? reason.slice(FAREWELL.length) : undefined);

export class Link {
  readonly machine: MachineId;
  readonly agent: AgentId;
  /** of what the peer said of itself: its keys, 3 KB, are kept with what is known of the agent */
  readonly hello: Pick<Hello, 'network' | 'addresses'>;
  /** the machine that dialled */
  readonly dialler: MachineId;
  /** counts the links to this machine since the node started */
  readonly generation: number;
  /** its process started since the last link to it: it missed nothing that it could still be told */
  readonly afresh: boolean;
  readonly address: string;
  readonly wire: Wire;
  readonly #clock: Clock;
  readonly #heartbeat: Disposable;
  /** pings without an answer, by nonce, oldest first: when they were sent, and up to when what was given to the link had gone out before them */
  readonly #unanswered = new Map<string, { readonly sentAt: number; readonly outUpTo: number }>();
  /** moments, and whether what was given until then has gone out; of the first, all has */
  readonly #marks: { readonly at: number; readonly out: () => boolean }[] = [];
  #count = 0;
  readonly #probes = new Map<string, () => void>();
  /** smoothed round-trip time in ms; undefined before the first pong */
  rtt: number | undefined;
  lastReceivedAt: number;
  /**
   * What was given to this link before then has arrived, and so has what the peer sent before. Only an answer to a ping proves that: a process that
   * stood still reads later what was sent long ago.
   */
  soundAt: number;
  lastSentAt: number;
  /** it ended, or is about to, while both processes live on: what was in flight may be missing */
  interrupted = false;

  constructor(
    clock: Clock,
    wire: Wire,
    { network, addresses }: Hello,
    ids: { machine: MachineId; agent: AgentId; dialler: MachineId },
    place: { generation: number; afresh: boolean },
  ) {
    this.#clock = clock;
    this.wire = wire;
    this.hello = { network, addresses };
    this.machine = ids.machine;
    this.agent = ids.agent;
    this.dialler = ids.dialler;
    this.generation = place.generation;
    this.afresh = place.afresh;
    this.address = wire.channel.remoteAddress;
    this.lastReceivedAt = clock.monotonic();
    this.lastSentAt = this.lastReceivedAt;
    this.soundAt = this.lastReceivedAt;
    this.#heartbeat = clock.every(PING_INTERVAL_MS, () => this.#beat());
    this.ping();
  }

  /** `queue`: of a message of the bulk lane. false: it is full or the link closed */
  send(message: LinkMessage, queue?: BulkQueue): boolean {
    const taken = this.wire.send(message, queue);
    if (taken) this.lastSentAt = this.#clock.monotonic();
    return taken;
  }

  ping(): void {
    const nonce = this.#nextNonce();
    this.#unanswered.set(toHex(nonce), { sentAt: this.#clock.monotonic(), outUpTo: this.#outUpTo() });
    this.send({ kind: 'ping', nonce });
  }

  /** Answers a ping, counts a pong; what arrives otherwise only proves that the peer can reach us. */
  heard(message: LinkMessage): void {
    this.lastReceivedAt = this.#clock.monotonic();
    if (message.kind === 'ping') this.send({ kind: 'pong', nonce: message.nonce });
    if (message.kind !== 'pong') return;
    const nonce = toHex(message.nonce);
    this.#probes.get(nonce)?.();
    const ping = this.#unanswered.get(nonce);
    if (ping === undefined) return;
    this.soundAt = ping.outUpTo;
    const sample = this.lastReceivedAt - ping.sentAt;
    this.rtt = this.rtt === undefined ? sample : this.rtt * 0.8 + sample * 0.2;
    // A late answer is one too: on a slow line it comes behind what was queued before it. Those before it need none any more.
    for (const earlier of this.#unanswered.keys()) {
      this.#unanswered.delete(earlier);
      if (earlier === nonce) break;
    }
  }

  /** Round-trip time in ms; undefined when no answer came within `timeoutMs`. */
  async probe(timeoutMs: number): Promise<number | undefined> {
    const start = this.#clock.monotonic();
    const nonce = this.#nextNonce();
    const answer = Promise.withResolvers<number | undefined>();
    using _timer = this.#clock.after(timeoutMs, () => answer.resolve(undefined));
    this.#probes.set(toHex(nonce), () => answer.resolve(this.#clock.monotonic() - start));
    this.send({ kind: 'ping', nonce });
    try {
      // Awaited here: the timer ends with this function.
      return await answer.promise;
    } finally {
      this.#probes.delete(toHex(nonce));
    }
  }

  stopWatching(): void {
    this.#heartbeat[Symbol.dispose]();
  }

  close(reason: string): void {
    this.stopWatching();
    this.wire.send({ kind: 'goodbye', reason });
    this.wire.close(reason);
  }

  /** Up to when all that was given to the wire is out: a ping overtakes the rest. */
  #outUpTo(): number {
    this.#marks.push({ at: this.#clock.monotonic(), out: this.wire.mark() });
    while (this.#marks[1]?.out()) this.#marks.shift();
    return this.#marks[0]!.at;
  }

  #nextNonce(): Uint8Array {
    const nonce = new Uint8Array(PING_NONCE_BYTES);
    let rest = ++this.#count;
    for (let at = nonce.length - 1; rest > 0; at--, rest = Math.floor(rest / 256)) nonce[at] = rest % 256;
    return nonce;
  }

  #beat(): void {
    // Counted per beat, not by the clock: a process that was stopped for a minute must not blame its peers for it.
    if (this.#unanswered.size >= PINGS_UNANSWERED) {
      this.stopWatching();
      this.interrupted = true;
      // Perhaps it still hears us.
      this.wire.send({ kind: 'goodbye', reason: VANISHED });
      this.wire.close('peer vanished: pings unanswered');
      return;
    }
    this.ping();
  }
}
