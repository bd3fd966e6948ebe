/**
 * What replicas may hold in the end: for each key, a value that some write wrote and that no acknowledged write has replaced.
 * A set is a register per element, present or absent; "no acknowledged write lost" and "no delete undone" are the same rule.
 */

import { KeyTable } from './key-table.ts';

/** A write that certainly did not happen is not entered. */
export interface Write {
  readonly key: string;
  /** undefined: the key is absent afterwards */
  readonly value: string | undefined;
  /** only writes of one lane replace one another; all are of one where time decides, each process has its own where it does not */
  readonly lane: string;
  /** line of its invocation */
  readonly invoked: number;
  /** line of its acknowledgement; Infinity: it may still happen */
  readonly done: number;
}

interface Lane {
  /** the latest invocation among acknowledged writes */
  acknowledged: number;
  /** values that none of those has replaced, with the latest moment at which a write of each may have taken effect */
  readonly standing: { readonly value: string | undefined; done: number }[];
}

export type Wrong = 'diverged' | 'lost' | 'from nowhere';

export class Convergence {
  /** by key, then by lane */
  readonly #lanes = new Map<string, Map<string, Lane>>();
  /** every value that was ever written to a key, to tell what is lost from what comes from nowhere */
  readonly #written: KeyTable;
  writes = 0;

  /** `seed`: as for `KeyTable` */
  constructor(seed: string) {
    this.#written = new KeyTable(seed);
  }

  write({ key, value, lane, invoked, done }: Write): void {
    this.writes += 1;
    let lanes = this.#lanes.get(key);
    if (!lanes) this.#lanes.set(key, (lanes = new Map()));
    let known = lanes.get(lane);
    if (!known) lanes.set(lane, (known = { acknowledged: -1, standing: [] }));
    if (value !== undefined) this.#written.enter(written(key, value));
    const { standing } = known;
    let at = 0;
    while (at < standing.length && standing[at]!.value !== value) at++;
    if (at === standing.length) standing.push({ value, done });
    else standing[at]!.done = Math.max(standing[at]!.done, done);
    if (done === Infinity || invoked <= known.acknowledged) return;
    known.acknowledged = invoked;
    let stands = 0;
    for (const one of standing) if (one.done >= invoked) standing[stands++] = one;
    standing.length = stands;
  }

  /** What is wrong with finding that value in the end, if anything. */
  judge(key: string, value: string | undefined): Wrong | undefined {
    const lanes = [...(this.#lanes.get(key)?.values() ?? [])];
    if (lanes.some(({ acknowledged, standing }) => standing.some((one) => one.value === value && one.done >= acknowledged))) return undefined;
    if (value === undefined) return lanes.every(({ acknowledged }) => acknowledged < 0) ? undefined : 'lost';
    return this.#written.has(written(key, value)) ? 'lost' : 'from nowhere';
  }

  keys(): Iterable<string> {
    return this.#lanes.keys();
  }
}

function written(key: string, value: string): string {
  return `${key}\n${value}`;
}
