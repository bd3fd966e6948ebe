/** A stream of a node, followed from its opening on; every event is recorded as it arrives. */
import type { LabClock } from '../clock.ts';
import { DeadlineError } from '../eventually.ts';
import type { Operation } from './recorder.ts';

export interface Followed<Event> {
  /** of its `observe` line */
  readonly seq: number;
  readonly event: Event;
}

/** Events kept for looking back; older ones are in the journal only. */
const FOLLOWED_EVENTS = 50_000;

export class Following<Event> implements AsyncDisposable {
  /** the opening of the stream, as recorded */
  readonly opening: Operation;
  /** events seen so far */
  count = 0;
  /** why the stream ended, once it has */
  ended: string | undefined;
  readonly #clock: LabClock;
  readonly #close: () => Promise<void>;
  #events: Followed<Event>[] = [];
  #waiting = new Set<() => void>();

  constructor(opening: Operation, clock: LabClock, close: () => Promise<void>) {
    this.opening = opening;
    this.#clock = clock;
    this.#close = close;
  }

  /** called by whoever reads the stream */
  arrived(seq: number, event: Event): void {
    this.count += 1;
    this.#events.push({ seq, event });
    if (this.#events.length > FOLLOWED_EVENTS) this.#events = this.#events.slice(FOLLOWED_EVENTS / 2);
    this.#wake();
  }

  /** called by whoever reads the stream */
  finished(reason: string): void {
    this.ended ??= reason;
    this.#wake();
  }

  get events(): readonly Followed<Event>[] {
    return this.#events;
  }

  /** The first event, past or to come, that satisfies `wanted`. @throws DeadlineError after `within` ms, or when the stream has ended */
  async first(
    wanted: (event: Event) => boolean,
    { within, what, signal }: { within: number; what: string; signal?: AbortSignal },
  ): Promise<Followed<Event>> {
    const deadline = this.#clock.monotonic() + within;
    for (;;) {
      const found = this.#events.find(({ event }) => wanted(event));
      if (found) return found;
      const left = deadline - this.#clock.monotonic();
      if (this.ended !== undefined) throw new DeadlineError(`${what}: the stream ended (${this.ended})`);
      if (left <= 0) throw new DeadlineError(`${what}: not within ${within} ms`);
      await this.#next(left, signal);
    }
  }

  async #next(within: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const patience = new AbortController();
    const stop = signal ? AbortSignal.any([signal, patience.signal]) : patience.signal;
    this.#waiting.add(resolve);
    try {
      await Promise.race([promise, this.#clock.sleep(within, stop)]);
    } finally {
      this.#waiting.delete(resolve);
      patience.abort();
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
