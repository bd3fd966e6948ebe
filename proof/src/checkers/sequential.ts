/** Wald's sequential probability ratio test: as many trials as the answer needs, and no more. */

/** Success at a rate of `good` or more is to be accepted, at `bad` or less to be refused; `alpha` and `beta` bound how often either goes wrong. */
export interface Hypotheses {
  readonly good: number;
  readonly bad: number;
  /** chance of refusing what is good */
  readonly alpha: number;
  /** chance of accepting what is bad */
  readonly beta: number;
}

export class SequentialTest {
  readonly #success: number;
  readonly #failure: number;
  readonly #accept: number;
  readonly #refuse: number;
  #ratio = 0;
  trials = 0;
  successes = 0;
  /** set by the trial that decided; what comes after it is not counted */
  decided: 'good' | 'bad' | undefined;

  constructor({ good, bad, alpha, beta }: Hypotheses) {
    // The ratio grows with what speaks for `bad`.
    this.#success = Math.log(bad / good);
    this.#failure = Math.log((1 - bad) / (1 - good));
    this.#accept = Math.log(beta / (1 - alpha));
    this.#refuse = Math.log((1 - beta) / alpha);
  }

  add(success: boolean): void {
    if (this.decided) return;
    this.trials += 1;
    if (success) this.successes += 1;
    this.#ratio += success ? this.#success : this.#failure;
    if (this.#ratio <= this.#accept) this.decided = 'good';
    else if (this.#ratio >= this.#refuse) this.decided = 'bad';
  }

  /** Trials until it is accepted, if all succeed from here on. */
  get needed(): number {
    return this.decided ? 0 : Math.ceil((this.#accept - this.#ratio) / this.#success);
  }
}
