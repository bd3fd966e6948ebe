/**
 * Virtual time. Tasks run one at a time in the order they are due; what a task started in promises is over before the next one.
 * Time passes only while somebody waits for it, so that what else happens in the process changes nothing.
 */
import type { Life } from './life.ts';
import type { Trace } from './trace.ts';

/** tasks run before the event loop looks at anything else */
const TURN = 512;
/** Times are whole multiples of 1/1,024 ms, which a double holds exactly: what is due in so long is not a hair too early. */
const TICKS_PER_MS = 1_024;

const nothing = (): void => {};

/** Disposing it is to cancel it. */
export class Task implements Disposable {
  /** virtual ms */
  time: number;
  /** tasks of one time run in the order they were scheduled */
  order: number;
  run: () => void;
  /** whose it is: not run when that is over, later when that is busy or paused */
  readonly life: Life | undefined;
  cancelled = false;

  constructor(time: number, order: number, run: () => void, life: Life | undefined) {
    this.time = time;
    this.order = order;
    this.run = run;
    this.life = life;
  }

  [Symbol.dispose](): void {
    this.cancelled = true;
    // It stays until it is due; what it would have done need not.
    this.run = nothing;
  }
}

export class Schedule {
  /** virtual ms since the beginning */
  now = 0;
  /** tasks run so far */
  ran = 0;
  readonly #trace: Trace;
  readonly #heap: Task[] = [];
  /** when they are due: most comparisons need nothing else */
  readonly #times: number[] = [];
  #order = 0;
  #waiting = 0;
  #turning = false;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Runs `run` at `time`, or at once when that is past. */
  at(time: number, run: () => void, life?: Life): Task {
    const task = new Task(this.#moment(time), this.#order++, run, life);
    this.#push(task);
    if (this.#waiting > 0) this.#turn();
    return task;
  }

  /** Puts a task back that had its turn and could not use it. */
  again(task: Task, time: number): void {
    task.time = this.#moment(time);
    task.order = this.#order++;
    this.#push(task);
  }

  /** Lets time pass until disposed; nested ones count. */
  wait(): Disposable {
    this.#waiting++;
    this.#turn();
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (!over) this.#waiting--;
        over = true;
      },
    };
  }

  #moment(time: number): number {
    return Math.max(Math.ceil(time * TICKS_PER_MS) / TICKS_PER_MS, this.now);
  }

  #turn(): void {
    if (this.#turning) return;
    this.#turning = true;
    // Each immediate is followed by the microtasks that it caused.
    for (let count = 1; count < TURN; count++) setImmediate(this.#step);
    setImmediate(() => {
      this.#step();
      setImmediate(() => {
        this.#turning = false;
        if (this.#waiting > 0 && this.#heap.length > 0) this.#turn();
      });
    });
  }

  readonly #step = (): void => {
    if (this.#waiting === 0) return;
    for (let task = this.#pop(); task; task = this.#pop()) {
      if (task.cancelled) continue;
      this.now = task.time;
      if (task.life?.defers(task)) continue;
      this.ran++;
      this.#trace.event(task.time, task.life?.index ?? -1);
      if (task.life) task.life.guard(task.run, undefined);
      else task.run();
      return;
    }
  };

  /** The newest of all: it goes behind those of its time. */
  #push(task: Task): void {
    const heap = this.#heap;
    const times = this.#times;
    const { time } = task;
    let at = heap.length;
    heap.push(task);
    times.push(time);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (times[above]! <= time) break;
      heap[at] = heap[above]!;
      times[at] = times[above]!;
      at = above;
    }
    heap[at] = task;
    times[at] = time;
  }

  #pop(): Task | undefined {
    const heap = this.#heap;
    const times = this.#times;
    const first = heap[0];
    const last = heap.pop();
    const time = times.pop();
    if (heap.length === 0 || last === undefined || time === undefined) return last;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && this.#isBefore(below + 1, times[below]!, heap[below]!)) below++;
      if (!this.#isBefore(below, time, last)) break;
      heap[at] = heap[below]!;
      times[at] = times[below]!;
      at = below;
    }
    heap[at] = last;
    times[at] = time;
    return first;
  }

  /** The task at `index` is due before this other one. */
  #isBefore(index: number, time: number, task: Task): boolean {
    const due = this.#times[index]!;
    return due < time || (due === time && this.#heap[index]!.order < task.order);
  }
}
