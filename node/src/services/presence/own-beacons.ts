/** The beacons that this node gives: by the clock, and whenever somebody should see it, but never more than one a second. */
import { isPubliclyRoutable, MAX_BEACON_ADDRESSES } from '@muster/protocol';
import type { Beacon, MachineId } from '@muster/protocol';
import type { Clock, Random } from '../../ports/index.ts';

/** the least between two beacons, whoever asks for them */
const LEAST_GAP_MS = 1_000;
/** the first one that no link asked for: by then the overlay is there */
const AFTER_JOIN_MS = 3_000;

export interface OwnBeacon {
  readonly sent: number;
  /** monotonic ms */
  readonly at: number;
  /** as it was gossiped, once it was */
  envelope: Uint8Array | undefined;
}

export interface OwnBeaconParts {
  readonly machine: MachineId;
  readonly clock: Clock;
  readonly random: Random;
  /** ms */
  readonly interval: number;
  readonly addresses: () => readonly string[];
  readonly say: (beacon: Beacon) => Promise<void>;
}

export class OwnBeacons implements Disposable {
  readonly #parts: OwnBeaconParts;
  readonly #run: number;
  readonly #timers: Disposable[] = [];
  #count = 0;
  #ended = false;
  #last: OwnBeacon | undefined;
  #next: { readonly at: number; readonly timer: Disposable } | undefined;

  constructor(parts: OwnBeaconParts) {
    this.#parts = parts;
    this.#run = Math.floor(parts.clock.now());
  }

  /** none before the first */
  get last(): OwnBeacon | undefined {
    return this.#last;
  }

  start(): void {
    const { clock, interval } = this.#parts;
    const give = (): void => this.within(0);
    this.#timers.push(clock.after(AFTER_JOIN_MS, give), clock.every(interval, give));
  }

  /** Gives one within this time, or as soon as the least gap allows. */
  within(ms: number): void {
    const { clock, random } = this.#parts;
    if (this.#ended) return;
    const now = clock.monotonic();
    const at = Math.max(now + random.next() * ms, (this.#last?.at ?? -Infinity) + LEAST_GAP_MS);
    if (this.#next && this.#next.at <= at) return;
    this.#next?.timer[Symbol.dispose]();
    const give = (): void => {
      this.#next = undefined;
      void this.give(false);
    };
    this.#next = { at, timer: clock.after(at - now, give) };
  }

  /** Gives one now. Resolves when it is on its way. */
  give(leaving: boolean): Promise<void> {
    const { clock, machine, interval, addresses, say } = this.#parts;
    const sent = Math.max(Math.floor(clock.now()), (this.#last?.sent ?? 0) + 1);
    this.#last = { sent, at: clock.monotonic(), envelope: undefined };
    const shown = addresses().filter(isPubliclyRoutable).slice(0, MAX_BEACON_ADDRESSES);
    return say({ kind: 'beacon', machine, run: this.#run, sent, count: ++this.#count, interval, addresses: shown, leaving });
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#next?.timer[Symbol.dispose]();
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }
}
