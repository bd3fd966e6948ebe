/** The beacons that this node gives: by the clock, and whenever somebody should see it, but never more than one a second. */
import { isPubliclyRoutable, MAX_BEACON_ADDRESSES, MAX_BEACON_INTERVAL_MS } from '@muster/protocol';
import type { Beacon, MachineId } from '@muster/protocol';
import type { Clock, Random } from '../../ports/index.ts';

/** the least between two beacons, whoever asks for them */
const LEAST_GAP_MS = 1_000;
/** and before one that nobody asked for: many who join together would have each give one a second */
const UNASKED_GAP_MS = 2_000;
/** neighbours tell newcomers of what came so recently, if those were there already when it was said */
const STILL_TOLD_MS = 5_000;
/** beacons a second that everybody hears: of a whole network together by the clock, and again for newcomers; beyond that each agent gives fewer */
const BY_CLOCK_PER_S = 4;
const FOR_NEWCOMERS_PER_S = 8;
/** in networks up to this size each newcomer is welcomed by everybody, at once */
export const FAMILIAR = 32;
/** the first one that no link asked for: by then the overlay is there; in a crowd whoever spoke lately leaves it out */
const AFTER_JOIN_MS = 3_000;
/** the first one that a link asked for: when many join together they find their neighbours first */
const AFTER_FIRST_LINK_MS = 1_500;

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
  /** agents heard */
  readonly crowd: () => number;
  /** ms that the first word waits while many come at once */
  readonly turn: () => number;
  readonly addresses: () => readonly string[];
  readonly say: (beacon: Beacon) => Promise<void>;
}

export class OwnBeacons implements Disposable {
  readonly #parts: OwnBeaconParts;
  readonly #run: number;
  readonly #timers: Disposable[] = [];
  #beat: Disposable | undefined;
  #count = 0;
  #ended = false;
  #last: OwnBeacon | undefined;
  /** `turn`: it waits for its turn, and only for whoever asks it comes earlier */
  #next: { readonly at: number; readonly turn: boolean; readonly timer: Disposable } | undefined;
  /** somebody asked for the next one */
  #wanted = false;

  constructor(parts: OwnBeaconParts) {
    this.#parts = parts;
    this.#run = Math.floor(parts.clock.now());
  }

  /** none before the first */
  get last(): OwnBeacon | undefined {
    return this.#last;
  }

  start(): void {
    this.#timers.push(this.#parts.clock.after(AFTER_JOIN_MS, () => this.#joined()));
    this.#byClock();
  }

  /** Somebody wants one: as soon as the least gap allows, out of turn. */
  asked(): void {
    this.#wanted = true;
    this.#due();
  }

  /** Somebody came who should see one, within this time; in a crowd that may be later. `begun`: when its process did, by its own clock, if that is known. */
  welcome(ms: number, begun?: number): void {
    const crowd = this.#parts.crowd();
    const told = begun === undefined || begun < (this.#last?.sent ?? 0);
    const least = this.#last ? 0 : AFTER_FIRST_LINK_MS;
    this.#within(ms, Math.max(told ? STILL_TOLD_MS : UNASKED_GAP_MS, crowd <= FAMILIAR ? 0 : (crowd * 1_000) / FOR_NEWCOMERS_PER_S), least);
  }

  /** the longest until the next one, ms */
  get #interval(): number {
    const { interval, crowd } = this.#parts;
    return Math.min(Math.max(interval, (crowd() * 1_000) / BY_CLOCK_PER_S), MAX_BEACON_INTERVAL_MS);
  }

  #joined(): void {
    if (!this.#last || this.#parts.crowd() <= FAMILIAR) this.#due();
  }

  #byClock(): void {
    this.#beat?.[Symbol.dispose]();
    if (!this.#ended) this.#beat = this.#parts.clock.after(this.#interval, () => this.#due());
  }

  #due(): void {
    this.#within(0, LEAST_GAP_MS);
  }

  #within(ms: number, gap: number, least = 0, turn = false): void {
    const { clock, random } = this.#parts;
    if (this.#ended) return;
    const now = clock.monotonic();
    const at = Math.max(now + least + random.next() * ms, (this.#last?.at ?? -Infinity) + gap);
    if (this.#next && (this.#next.at <= at || (this.#next.turn && !this.#wanted))) return;
    this.#next?.timer[Symbol.dispose]();
    const give = (): void => {
      this.#next = undefined;
      const wait = this.#last || this.#wanted ? 0 : this.#parts.turn();
      if (wait > 0) this.#within(0, 0, wait, true);
      else void this.give(false);
    };
    this.#next = { at, turn, timer: clock.after(at - now, give) };
  }

  /** Gives one now. Resolves when it is on its way. */
  give(leaving: boolean): Promise<void> {
    const { clock, machine, addresses, say } = this.#parts;
    const sent = Math.max(Math.floor(clock.now()), (this.#last?.sent ?? 0) + 1);
    this.#last = { sent, at: clock.monotonic(), envelope: undefined };
    this.#wanted = false;
    this.#byClock();
    const shown = addresses().filter(isPubliclyRoutable).slice(0, MAX_BEACON_ADDRESSES);
    return say({
      kind: 'beacon',
      machine,
      run: this.#run,
      sent,
      count: ++this.#count,
      interval: Math.ceil(this.#interval),
      addresses: shown,
      leaving,
    });
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#beat?.[Symbol.dispose]();
    this.#next?.timer[Symbol.dispose]();
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }
}
