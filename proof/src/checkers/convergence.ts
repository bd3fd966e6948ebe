/**
 * What replicas may hold in the end: for each key, a value that some write wrote and that no acknowledged write has replaced.
 * A set is a register per element, present or absent; "no acknowledged write lost" and "no delete undone" are the same rule.
 */

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
  /** by value: the latest moment at which a write of it may have taken effect */
  readonly latest: Map<string | undefined, number>;
}

export type Wrong = 'diverged' | 'lost' | 'from nowhere';

export class Convergence {
  /** by key, then by lane */
  readonly #lanes = new Map<string, Map<string, Lane>>();
  writes = 0;

  write({ key, value, lane, invoked, done }: Write): void {
    this.writes += 1;
    let lanes = this.#lanes.get(key);
    if (!lanes) this.#lanes.set(key, (lanes = new Map()));
    let known = lanes.get(lane);
    if (!known) lanes.set(lane, (known = { acknowledged: -1, latest: new Map() }));
    if (done !== Infinity) known.acknowledged = Math.max(known.acknowledged, invoked);
    known.latest.set(value, Math.max(known.latest.get(value) ?? -1, done));
  }

  /** What is wrong with finding that value in the end, if anything. */
  judge(key: string, value: string | undefined): Wrong | undefined {
    const lanes = this.#lanes.get(key);
    const all = [...(lanes?.values() ?? [])];
    if (all.some(({ acknowledged, latest }) => (latest.get(value) ?? -1) >= Math.max(0, acknowledged))) return undefined;
    if (value === undefined && all.every(({ acknowledged }) => acknowledged < 0)) return undefined;
    return value !== undefined && !all.some(({ latest }) => latest.has(value)) ? 'from nowhere' : 'lost';
  }

  keys(): Iterable<string> {
    return this.#lanes.keys();
  }
}
