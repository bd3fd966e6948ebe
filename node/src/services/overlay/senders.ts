/** Whole messages on their way to links: one that finds no room is waited for by a publisher only, and not for long. */
import type { MachineId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { Link } from '../links/link.ts';
import type { BulkQueue } from '../links/wire.ts';
import { remember } from '../remember.ts';

/** how long a publisher waits for a peer whose queue is full before that peer has to ask for the message */
const SLOW_PEER_MS = 1_000;
/** peers whose time-outs are counted apart */
const MAX_COUNTED = 256;

export class Senders {
  readonly #clock: Clock;
  readonly #counters: Counters;
  readonly #slow = new WeakSet<Link>();
  /** by peer: publishers that waited in vain, and how often it was not waited for until there was room again */
  readonly #counts = new Map<MachineId, { timeouts: number; pauses: number }>();
  /** messages of others that found no room at a peer */
  notPassedOn = 0;

  constructor(clock: Clock, counters: Counters) {
    this.#clock = clock;
    this.#counters = counters;
  }

  /** Messages do not get through to it now. */
  slow(link: Link): boolean {
    return this.#slow.has(link);
  }

  /** `unsent` is called when the link did not take it. The promise is there when `wait` is wanted and the queue is full. */
  pass(link: Link, envelope: Uint8Array, { wait, queue }: { wait: boolean; queue: BulkQueue }, unsent: () => void): Promise<void> | undefined {
    const sent = (): boolean => link.send({ kind: 'publish', envelope }, queue);
    const done = (taken: boolean): void => {
      this.#counters.add(taken ? 'gossip_sent_total' : 'gossip_slow_peer_dropped_total');
      if (!taken && !wait) this.notPassedOn++;
      if (!taken) unsent();
    };
    const taken = sent();
    if (taken || !wait || this.#slow.has(link)) return void done(taken);
    return this.#offer(link, queue, sent, done);
  }

  async #offer(link: Link, queue: BulkQueue, sent: () => boolean, done: (taken: boolean) => void): Promise<void> {
    const timeout = Promise.withResolvers<void>();
    using _timer = this.#clock.after(SLOW_PEER_MS, timeout.resolve);
    await Promise.race([link.wire.room(queue), timeout.promise]);
    if (sent()) return done(true);
    this.#count(link.machine, !this.#slow.has(link));
    this.#slow.add(link);
    void link.wire.room(queue).then(() => this.#slow.delete(link));
    done(false);
  }

  counts(machine: MachineId): { readonly timeouts: number; readonly pauses: number } {
    return this.#counts.get(machine) ?? { timeouts: 0, pauses: 0 };
  }

  #count(machine: MachineId, pauses: boolean): void {
    const before = this.counts(machine);
    remember(this.#counts, machine, { timeouts: before.timeouts + 1, pauses: before.pauses + Number(pauses) }, MAX_COUNTED);
  }
}
