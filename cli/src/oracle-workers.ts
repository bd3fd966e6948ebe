/** Processes that run trials on virtual time. They take what time the daemons that are on trial meanwhile leave them. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import type { SimulatedTrial, Simulate, TrialOutcome } from '@muster/lab';
import { entry } from './entries.ts';

/** a third of the time of a daemon that wants it, too */
const NICENESS = 5;

export interface Asked {
  readonly trial: SimulatedTrial;
}
export type Answered = { readonly outcome: TrialOutcome } | { readonly error: string };

export class OracleWorkers implements AsyncDisposable {
  readonly #idle = new Set<ChildProcess>();
  readonly #all: ChildProcess[] = [];

  get pids(): number[] {
    return this.#all.flatMap(({ pid }) => pid ?? []);
  }

  /** A trial in a process that has nothing else to do, started when there is none. */
  readonly simulate: Simulate = async (trial, signal) => {
    signal?.throwIfAborted();
    const worker = [...this.#idle][0] ?? this.#start();
    this.#idle.delete(worker);
    const answered = Promise.withResolvers<Answered>();
    const ended = (): void => answered.reject(new Error('a process that ran trials on virtual time has ended'));
    const aborted = (): void => answered.reject(signal!.reason as Error);
    worker.once('message', answered.resolve).once('exit', ended).once('error', answered.reject);
    signal?.addEventListener('abort', aborted, { once: true });
    try {
      worker.send({ trial } satisfies Asked, (error) => error && answered.reject(error));
      const answer = await answered.promise;
      this.#idle.add(worker);
      if ('error' in answer) throw new Error(answer.error);
      return answer.outcome;
    } finally {
      worker.off('message', answered.resolve).off('exit', ended).off('error', answered.reject);
      signal?.removeEventListener('abort', aborted);
    }
  };

  #start(): ChildProcess {
    const { flags, file } = entry('oracle-worker');
    const worker = fork(file, [], { execArgv: [...flags] });
    worker.once('exit', () => this.#idle.delete(worker));
    // Whoever gave it a trial is told of it there; with none under way it concerns nobody.
    worker.on('error', () => undefined);
    if (worker.pid !== undefined) setPriority(worker.pid, NICENESS);
    this.#all.push(worker);
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#all.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    await Promise.all(
      running.map(async (worker) => {
        const exit = once(worker, 'exit');
        worker.kill('SIGKILL');
        await exit;
      }),
    );
  }
}
