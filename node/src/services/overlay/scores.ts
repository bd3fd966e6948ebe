/** Penalty points of peers: they fade with time, and too many end the link. */
import type { MachineId } from '@muster/protocol';
import { BAN_MS, CUT_AT, FADE_PER_S, WITHHELD_POINTS } from './limits.ts';
import type { Step } from './types.ts';

/** Points for what a peer did. An honest one may do any of the lesser things now and then: clocks, races, slow disks. */
const FAULTS = {
  forged: 25,
  malformed: 5,
  /** told of messages and did not give them: a few, or many */
  late: 4,
  broken_promise: 40,
  /** sent messages of topics that we take no part in */
  no_interest: 1,
  /** sent the same again and again */
  copies: 1,
  /** did not give messages that it should have pushed to us */
  withheld: 10,
  /** wanted more kept for it than there is room for */
  greedy: 1,
} as const;
export type Fault = keyof typeof FAULTS;

/** faults of a kind that cost nothing, per second: races make some */
const FREE_PER_S: Partial<Record<Fault, number>> = { no_interest: 20, copies: 200, greedy: 50, withheld: 0.2 };
const FREE_AT_ONCE = 10;
/** up to so many points: whoever stands behind one that withholds withholds too, so that alone ends no link */
const MOST: Partial<Record<Fault, number>> = { withheld: WITHHELD_POINTS };

interface Dossier {
  points: number;
  at: number;
  /** its link is being ended */
  cut: boolean;
  readonly free: Map<Fault, number>;
}

export class Scores {
  readonly #step: Step<unknown>;
  readonly #cut: (peer: MachineId) => void;
  readonly #records = new Map<MachineId, Dossier>();

  constructor(step: Step<unknown>, cut: (peer: MachineId) => void) {
    this.#step = step;
    this.#cut = cut;
  }

  of(peer: MachineId): number {
    return this.#records.get(peer)?.points ?? 0;
  }

  blame(peer: MachineId, fault: Fault): void {
    const { now } = this.#step;
    let record = this.#records.get(peer);
    if (!record) this.#records.set(peer, (record = { points: 0, at: now, cut: false, free: new Map() }));
    if (record.cut) return;
    this.#fade(record);
    const perSecond = FREE_PER_S[fault];
    if (perSecond !== undefined) {
      const left = record.free.get(fault) ?? perSecond * FREE_AT_ONCE;
      if (left >= 1) return void record.free.set(fault, left - 1);
    }
    record.points = Math.max(record.points, Math.min(MOST[fault] ?? Infinity, record.points + FAULTS[fault]));
    if (record.points < CUT_AT) return;
    record.cut = true;
    this.#step.out({ kind: 'cut', peer, reason: fault, banMs: BAN_MS });
    this.#cut(peer);
  }

  /** Its link is gone: a record that says nothing is not kept. */
  gone(peer: MachineId): void {
    const record = this.#records.get(peer);
    if (!record) return;
    this.#fade(record);
    if (record.points === 0 || record.cut) this.#records.delete(peer);
  }

  sweep(): void {
    for (const [peer, record] of this.#records) {
      this.#fade(record);
      if (record.points === 0 && record.free.size === 0 && !record.cut) this.#records.delete(peer);
    }
  }

  #fade(record: Dossier): void {
    const seconds = (this.#step.now - record.at) / 1_000;
    record.at = this.#step.now;
    record.points = Math.max(0, record.points - seconds * FADE_PER_S);
    for (const [fault, left] of record.free) {
      const renewed = left + seconds * FREE_PER_S[fault]!;
      if (renewed >= FREE_PER_S[fault]! * FREE_AT_ONCE) record.free.delete(fault);
      else record.free.set(fault, renewed);
    }
  }
}
