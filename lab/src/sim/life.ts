/** One life of a simulated process: from its start to its end, however that comes. */
import type { Schedule, Task } from './schedule.ts';

export class Life {
  /** of the node, for traces */
  readonly index: number;
  alive = true;
  /** until then it does nothing else (a slow disk, say); virtual ms */
  busyUntil = 0;
  readonly #schedule: Schedule;
  readonly #failed: (error: unknown) => void;
  #paused = false;
  #held: Task[] = [];

  /** `failed` is told of what a task throws: the end of a real process */
  constructor(schedule: Schedule, index: number, failed: (error: unknown) => void) {
    this.#schedule = schedule;
    this.index = index;
    this.#failed = failed;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Its own idea of now. */
  get now(): number {
    return Math.max(this.#schedule.now, this.busyUntil);
  }

  /** Does this task not run now? It is then over, or comes back later. */
  defers(task: Task): boolean {
    if (!this.alive) return true;
    if (this.#paused) this.#held.push(task);
    else if (this.busyUntil > this.#schedule.now) this.#schedule.again(task, this.busyUntil);
    else return false;
    return true;
  }

  guard<T>(run: (what: T) => void, what: T): void {
    try {
      run(what);
    } catch (error) {
      this.#failed(error);
    }
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const held = this.#held;
    this.#held = [];
    for (const task of held) this.#schedule.again(task, this.#schedule.now);
  }

  end(): void {
    this.alive = false;
    this.#held = [];
  }
}
