/** Links that are wanted: dialled now, and again with growing pauses whenever they are missing. */
import type { MachineId } from '@muster/protocol';
import type { Clock, Log, Random } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';

const REDIAL_FIRST_MS = 200;
/** with the time a dial may take, small enough that a healed network is whole again within 5 s */
const REDIAL_MAX_MS = 1_000;
/** of whom nobody has answered for yet: there is nothing to heal */
const UNKNOWN_MAX_MS = 10_000;
/** a neighbour that stayed away this long is no longer dialled: whoever finds neighbours reports it again */
const REDIAL_FOR_MS = 10 * 60_000;
/** neighbours are told by whoever is on the LAN: there may be endless ones */
const MAX_WISHES = 512;

export interface WishParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: Counters;
  readonly log: Log;
  /** gives the machine that answered */
  readonly connect: (address: string, machine: MachineId | undefined) => Promise<MachineId>;
  readonly linked: (machine: MachineId) => boolean;
  /** no room for another link */
  readonly full: () => boolean;
}

interface Wish {
  readonly key: string;
  /** tried in turn */
  addresses: readonly string[];
  /** undefined: whoever answers at the address will do, for ever */
  readonly machine: MachineId | undefined;
  /** who answered last */
  landed: MachineId | undefined;
  since: number;
  delay: number;
  tries: number;
  /** a dial or the pause before one is under way */
  busy: boolean;
}

export class Wishes implements Disposable {
  readonly #parts: WishParts;
  readonly #wishes = new Map<string, Wish>();
  readonly #timers = new Set<Disposable>();
  #disposed = false;

  constructor(parts: WishParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#wishes.size;
  }

  /**
   * Without `machine`, whoever answers at the first address will do; `answered` did, and is not dialled again while there is a link to it.
   * Telling of a machine again dials it at once, at the new addresses.
   */
  want(addresses: readonly string[], machine: MachineId | undefined, answered?: MachineId): void {
    const [first] = addresses;
    if (first === undefined || this.#disposed) return;
    const key = machine ?? first;
    let wish = this.#wishes.get(key);
    if (!wish) {
      if (machine !== undefined && this.#wishes.size >= MAX_WISHES) return this.#parts.counters.add('neighbours_ignored_total');
      wish = { key, addresses, machine, landed: undefined, since: 0, delay: 0, tries: 0, busy: false };
      this.#wishes.set(key, wish);
    }
    wish.addresses = addresses;
    wish.landed = answered ?? wish.landed;
    wish.tries = 0;
    this.#renew(wish);
    if (!wish.busy) this.#attempt(wish);
  }

  /** The link to the machine ended. */
  lost(machine: MachineId): void {
    for (const wish of this.#wishes.values()) {
      if ((wish.machine ?? wish.landed) !== machine) continue;
      this.#renew(wish);
      if (!wish.busy) this.#schedule(wish);
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#wishes.clear();
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  #renew(wish: Wish): void {
    wish.since = this.#parts.clock.monotonic();
    wish.delay = REDIAL_FIRST_MS;
  }

  #attempt(wish: Wish): void {
    wish.busy = false;
    const { connect, linked, full, log } = this.#parts;
    const machine = wish.machine ?? wish.landed;
    if (this.#disposed || (machine && linked(machine))) return;
    if (full()) return this.#schedule(wish);
    wish.busy = true;
    const address = wish.addresses[wish.tries++ % wish.addresses.length]!;
    connect(address, wish.machine).then(
      (answered) => {
        wish.landed = answered;
        wish.delay = REDIAL_FIRST_MS;
        wish.busy = false;
        if (!linked(answered)) this.#schedule(wish);
      },
      (error: unknown) => {
        log.write('debug', 'dial failed', { address, error: error instanceof Error ? error.message : String(error) });
        this.#schedule(wish);
      },
    );
  }

  #schedule(wish: Wish): void {
    const { clock, random } = this.#parts;
    wish.busy = false;
    if (this.#disposed) return;
    if (wish.machine && clock.monotonic() - wish.since > REDIAL_FOR_MS) return void this.#wishes.delete(wish.key);
    wish.busy = true;
    const pause = wish.delay * (0.75 + random.next() / 2);
    wish.delay = Math.min(wish.delay * 2, (wish.machine ?? wish.landed) ? REDIAL_MAX_MS : UNKNOWN_MAX_MS);
    const timer = clock.after(pause, () => {
      this.#timers.delete(timer);
      this.#attempt(wish);
    });
    this.#timers.add(timer);
  }
}
