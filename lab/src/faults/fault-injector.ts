/**
 * Breaks things on purpose and proves that they broke: requested → applied → bit (observed) → healed → heal seen (observed).
 * A stage that was not reached is not recorded; checks that depend on the fault are then inconclusive.
 */
import type { Json } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import { DeadlineError, eventually } from '../eventually.ts';
import type { Recorder } from '../record/recorder.ts';

/** One way to break one thing. Evidence is what goes into the journal; undefined means: not seen yet. */
export interface Mechanism {
  readonly kind: string;
  /** name of the node that suffers */
  readonly node: string;
  /** why the lab cannot do it here; nothing is done then, and what depends on it is inconclusive */
  readonly refused?: string;
  apply(): Promise<Json>;
  bites(): Promise<Json | undefined>;
  heal(): Promise<Json>;
  healed(): Promise<Json | undefined>;
}

export interface FaultLimits {
  /** ms in which it must be seen to bite; 10,000 when not given */
  readonly bite?: number;
  /** ms in which the healing must be seen; 20,000 when not given */
  readonly heal?: number;
}

/** What is broken cannot be healed before something else is. */
export class NotYet extends Error {
  override readonly name = 'NotYet';
}

export interface Fault extends AsyncDisposable {
  /** for `needsFaults` */
  readonly id: string;
  readonly kind: string;
  readonly node: string;
  /** false: the lab could not show that anything broke */
  readonly bit: boolean;
  /** Idempotent. Resolves once it was healed, whether that was seen or not; with false when something else must be healed before: then again. */
  mend(): Promise<boolean>;
  /** Idempotent. Resolves once the healing was seen; false when it was not, in time. */
  heal(): Promise<boolean>;
}

/** Heals them all, whichever must be before another. @returns those that are, in the order in which they were. @throws what the first that cannot be healed threw, once the others are */
export async function mendAll(faults: readonly Fault[]): Promise<Fault[]> {
  const mended: Fault[] = [];
  for (let left = faults; ;) {
    const ended = await Promise.allSettled(left.map(async (fault) => void ((await fault.mend()) && mended.push(fault))));
    const still = left.filter((fault) => !mended.includes(fault));
    if (still.length > 0 && still.length < left.length) {
      left = still;
      continue;
    }
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
    return mended;
  }
}

/** A fault that cannot be made here. */
export function refusal(kind: string, node: string, reason: string): Mechanism {
  const never = (): Promise<never> => Promise.reject(new Error(reason));
  return { kind, node, refused: reason, apply: never, bites: never, heal: never, healed: never };
}

export class FaultInjector implements AsyncDisposable {
  readonly #recorder: Recorder;
  readonly #clock: LabClock;
  readonly #prefix: string;
  readonly #active = new Set<Fault>();
  #count = 0;

  constructor(recorder: Recorder, clock: LabClock, prefix: string) {
    this.#recorder = recorder;
    this.#clock = clock;
    this.#prefix = prefix;
  }

  /** faults not healed yet */
  get active(): number {
    return this.#active.size;
  }

  /** Applies the fault and waits until it was seen to bite. */
  async inject(mechanism: Mechanism, { bite = 10_000, heal = 20_000 }: FaultLimits = {}): Promise<Fault> {
    const { kind, node } = mechanism;
    const id = `${this.#prefix}/${kind}-${++this.#count}`;
    const stage = this.#recorder.fault.bind(this.#recorder, id, kind, node);
    stage('requested', mechanism.refused === undefined ? undefined : { refused: mechanism.refused });
    if (mechanism.refused !== undefined) {
      return { id, kind, node, bit: false, mend: async () => true, heal: async () => false, [Symbol.asyncDispose]: async () => {} };
    }
    let mending: Promise<boolean> | undefined;
    let healing: Promise<boolean> | undefined;
    const mendNow = async (): Promise<boolean> => {
      try {
        stage('healed', await mechanism.heal());
      } catch (error) {
        if (!(error instanceof NotYet)) throw error;
        this.#recorder.observe('lab', 'faults', 'not-healed', { fault: id, node, why: error.message });
        mending = undefined;
        return false;
      }
      this.#active.delete(fault);
      return true;
    };
    const healNow = async (): Promise<boolean> => {
      if (!(await fault.mend())) {
        healing = undefined;
        return false;
      }
      return this.#seen(() => mechanism.healed(), heal, (evidence) => stage('heal_seen', evidence)); // prettier-ignore
    };
    const fault = {
      id,
      kind,
      node,
      bit: false,
      mend: () => (mending ??= mendNow()),
      heal: () => (healing ??= healNow()),
      [Symbol.asyncDispose]: async () => void (await fault.heal()),
    };
    this.#active.add(fault);
    stage('applied', await mechanism.apply());
    fault.bit = await this.#seen(() => mechanism.bites(), bite, (evidence) => stage('bit', evidence)); // prettier-ignore
    return fault;
  }

  async #seen(look: () => Promise<Json | undefined>, within: number, record: (evidence: Json) => void): Promise<boolean> {
    try {
      const { value, ms } = await eventually(this.#clock, look, { within, every: 10, what: 'evidence' });
      record({ seen: value as Json, after_ms: Math.round(ms) });
      return true;
    } catch (error) {
      if (error instanceof DeadlineError) return false;
      throw error;
    }
  }

  /** Heals whatever is still broken. */
  async healAll(): Promise<void> {
    const all = [...this.#active];
    await mendAll(all).catch(() => undefined);
    await Promise.allSettled(all.map((fault) => fault.heal()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.healAll();
  }
}
