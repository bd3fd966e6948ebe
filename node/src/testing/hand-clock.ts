import type { Clock } from '../ports/index.ts';

/** Time that passes when told to; tasks run in the order they are due, and what they started is waited for. */
export class HandClock implements Clock {
  #now = 0;
  #tasks: { at: number; task: () => void }[] = [];
  now = (): number => this.#now;
  monotonic = (): number => this.#now;

  after(ms: number, task: () => void): Disposable {
    const entry = { at: this.#now + ms, task };
    this.#tasks.push(entry);
    return { [Symbol.dispose]: () => void (this.#tasks = this.#tasks.filter((other) => other !== entry)) };
  }

  every(ms: number, task: () => void): Disposable {
    let next: Disposable;
    const again = (): void => {
      next = this.after(ms, again);
      task();
    };
    next = this.after(ms, again);
    return { [Symbol.dispose]: () => next[Symbol.dispose]() };
  }

  sleep(): Promise<void> {
    throw new Error('nobody sleeps here');
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await new Promise(setImmediate);
      const next = this.#tasks.toSorted((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.#tasks = this.#tasks.filter((other) => other !== next);
      this.#now = next.at;
      next.task();
    }
    this.#now = end;
  }
}
