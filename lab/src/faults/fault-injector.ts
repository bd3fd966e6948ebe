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

export interface Fault extends AsyncDisposable {
  /** for `needsFaults` */
  readonly id: string;
  readonly kind: string;
  readonly node: string;
  /** false: the lab could not show that anything broke */
  readonly bit: boolean;
  /** Idempotent. Resolves once it was healed, whether that was seen or not. */
  mend(): Promise<void>;
  /** Idempotent. Resolves once the healing was seen; false when it was not, in time. */
  heal(): Promise<boolean>;
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
      const nothing = async (): Promise<void> => undefined;
      return { id, kind, node, bit: false, mend: nothing, heal: async () => false, [Symbol.asyncDispose]: nothing };
    }
    let mending: Promise<void> | undefined;
    let healing: Promise<boolean> | undefined;
    const mendNow = async (): Promise<void> => {
      stage('healed', await mechanism.heal());
      this.#active.delete(fault);
    };
    const healNow = async (): Promise<boolean> => {
      await fault.mend();
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
    await Promise.allSettled([...this.#active].map((fault) => fault.heal()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.healAll();
  }
}
