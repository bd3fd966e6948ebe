export interface QueueWeight<Event> {
  /** of one event, always the same */
  of(event: Event): number;
  readonly most: number;
}

/**
 * A bounded queue between something that happens and one reader. Full means that the oldest is dropped and counted:
 * a slow reader misses what is old and never holds memory or the publisher.
 */
export class EventQueue<Event> implements AsyncIterable<Event> {
  readonly #capacity: number;
  readonly #onDrop: ((event: Event) => void) | undefined;
  readonly #weight: QueueWeight<Event> | undefined;
  #weighs = 0;
  #ring: Event[] = [];
  #head = 0;
  #dropped = 0;
  #closed = false;
  #wake: (() => void) | undefined;

  /** `capacity`: events that may wait, ≥ 1. `onDrop`: told of each event that gave way. With `weight` what waits is bounded by that too; one event always fits. */
  constructor(capacity: number, onDrop?: (event: Event) => void, weight?: QueueWeight<Event>) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError(`queue capacity must be a whole number above 0, got ${capacity}`);
    this.#capacity = capacity;
    this.#onDrop = onDrop;
    this.#weight = weight;
  }

  /** events waiting */
  get size(): number {
    return this.#ring.length - this.#head;
  }

  /** events dropped so far */
  get dropped(): number {
    return this.#dropped;
  }

  /** Ignored once closed. */
  push(event: Event): void {
    if (this.#closed) return;
    const weight = this.#weight?.of(event) ?? 0;
    while (this.size === this.#capacity || (this.size > 0 && this.#weighs + weight > (this.#weight?.most ?? Infinity))) {
      this.#dropped++;
      const oldest = this.#take();
      this.#onDrop?.(oldest);
    }
    this.#ring.push(event);
    this.#weighs += weight;
    this.#wake?.();
  }

  /** Ends the reader at once; what still waits is discarded. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#ring = [];
    this.#head = 0;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    while (!this.#closed) {
      if (this.size > 0) yield this.#take();
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #take(): Event {
    const event = this.#ring[this.#head++]!;
    this.#weighs -= this.#weight?.of(event) ?? 0;
    // Array.shift is linear for long arrays: cut off what was read in blocks instead.
    if (this.#head > 1_024 || this.#head === this.#ring.length) {
      this.#ring = this.#ring.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}
