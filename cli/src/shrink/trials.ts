/** Runs of smaller and smaller plans. Of the last that failed as often as asked the bundle is kept, so that no run is begun for it when the time is over. */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShrinkablePlan } from '@muster/lab';
import type { ProofReport } from '@muster/proof';
import { firstFailure } from './failed-run.ts';

/** So many of so many runs are to fail. */
export interface Confirm {
  readonly times: number;
  readonly of: number;
}

interface TrialsParts {
  /** runs the plan once and leaves its bundle at `out`; ends early when the signal says so */
  readonly run: (plan: ShrinkablePlan, out: string) => Promise<ProofReport>;
  readonly requirement: string;
  /** where the kept bundle will stand */
  readonly place: string;
  /** aborted: what is running is ended and does not count, and nothing is begun any more */
  readonly signal: AbortSignal;
}

export class Trials implements AsyncDisposable {
  readonly #parts: TrialsParts;
  readonly #scratch: string;
  #count = 0;
  #best: { readonly out: string; readonly report: ProofReport } | undefined;

  private constructor(parts: TrialsParts, scratch: string) {
    this.#parts = parts;
    this.#scratch = scratch;
  }

  static async open(parts: TrialsParts): Promise<Trials> {
    return new Trials(parts, await mkdtemp(`${parts.place}-`));
  }

  /** of the last plan that failed */
  get report(): ProofReport | undefined {
    return this.#best?.report;
  }

  async fails(plan: ShrinkablePlan, { times, of }: Confirm): Promise<boolean> {
    const { run, requirement, signal } = this.#parts;
    for (let tried = 0, failed = 0; failed + of - tried >= times && !signal.aborted; tried++) {
      const out = join(this.#scratch, `${++this.#count}`);
      const report = await run(plan, out);
      const counts = !signal.aborted && firstFailure(report, requirement) !== undefined;
      if (counts && ++failed >= times) {
        if (this.#best) await rm(this.#best.out, { recursive: true });
        this.#best = { out, report };
        return true;
      }
      await rm(out, { recursive: true });
    }
    return false;
  }

  /** The bundle takes its place. */
  async keep(): Promise<void> {
    await rename(this.#best!.out, this.#parts.place);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#scratch, { recursive: true, force: true });
  }
}
