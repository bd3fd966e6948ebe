/**
 * A predicate judges recorded lines and nothing else. It is fed the lines of its check's range, in order, once, and
 * keeps only what its parameters make it remember.
 */
import type { z } from 'zod';
import type { Frame } from '../frame.ts';
import type { LedgerRow } from './ledger.ts';
import type { Blame, JournalLine, LineType } from '../journal.ts';

export type JudgedStatus = 'pass' | 'fail' | 'inconclusive' | 'unverified' | 'skipped' | 'notrun' | 'crash' | 'timeout';

/** What a predicate finds. `blame` on a `fail` is left out when the check's own blame (usually the target) holds. */
export interface Judgement {
  readonly status: JudgedStatus;
  readonly blame?: Blame;
  /** true: nobody asked for it, so nobody is to blame */
  readonly filteredOut?: true;
  readonly message: string;
  /** `seq` of the lines that show it, ascending; cut to the first 20 */
  readonly evidence: readonly number[];
  readonly ledger?: readonly LedgerRow[];
}

/** Lines it wants to see: those of these operations, these numbers, these types. */
export interface Interest {
  readonly ops?: readonly string[];
  readonly seqs?: readonly number[];
  readonly types?: readonly LineType[];
}

export interface Reducer {
  readonly interest: Interest;
  line(line: JournalLine): void;
  result(): Judgement;
}

export interface Predicate<P> {
  readonly name: string;
  readonly params: z.ZodType<P>;
  /** true: it says what became of a scenario, and exercises nothing of the target */
  readonly bookkeeping?: boolean;
  /** `frame`: what the whole journal says about the run, its worlds and faults; `seq`: the check's own line, after which nothing counts. */
  start(params: P, frame: Frame, seq: number): Reducer;
}

const evidenceShown = 20;

function evidenceOf(seqs: Iterable<number>): number[] {
  return [...new Set(seqs)].toSorted((a, b) => a - b).slice(0, evidenceShown);
}

export function pass(message: string, evidence: Iterable<number> = []): Judgement {
  return { status: 'pass', message, evidence: evidenceOf(evidence) };
}

export function fails(message: string, evidence: Iterable<number> = []): Judgement {
  return { status: 'fail', message, evidence: evidenceOf(evidence) };
}

/** The evidence does not allow a verdict, and the target is not the reason. */
export function inconclusive(blame: Blame, message: string, evidence: Iterable<number> = []): Judgement {
  return { status: 'inconclusive', blame, message, evidence: evidenceOf(evidence) };
}

/** Nobody asked for it: the one judgement besides a pass that blames nobody. */
export function filteredOut(message: string, evidence: Iterable<number>): Judgement {
  return { status: 'notrun', filteredOut: true, message, evidence: evidenceOf(evidence) };
}

export function judged(status: JudgedStatus, blame: Blame, message: string, evidence: Iterable<number> = []): Judgement {
  return { status, blame, message, evidence: evidenceOf(evidence) };
}
