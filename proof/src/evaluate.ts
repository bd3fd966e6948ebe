/**
 * Evaluates every check over a journal: a first pass gathers the frame and the checks, a second feeds each line to the
 * checks whose range holds it and whose predicate asked for it. Recorded statuses are not read.
 */
import type { Claim } from './claim.ts';
import { Frame, withinTolerance } from './frame.ts';
import type { Blame, CheckLine, JournalLine, LineType } from './journal.ts';
import type { LedgerRow } from './predicates/ledger.ts';
import { type Picture, PictureCollector } from './picture/picture.ts';
import { inconclusive, type Judgement, type JudgedStatus, type Reducer } from './predicates/predicate.ts';
import { findPredicate } from './predicates/registry.ts';

const SHOWN_PER_CHECK = 4;
const MOST_SHOWN = 400;

/** What one `check` line comes to. */
export interface CheckResult {
  readonly id: string;
  readonly requirement: string;
  readonly level: 'MUST' | 'SHOULD';
  readonly title?: string | undefined;
  readonly predicate: string;
  readonly status: JudgedStatus | 'warn';
  /** on everything that is neither a pass nor filtered out */
  readonly blame?: Blame;
  readonly filteredOut?: true;
  readonly message: string;
  /** `seq` of the lines that show it */
  readonly evidence: readonly number[];
  /** `seq` of the check's own line */
  readonly seq: number;
  /** ms between the first and the last line it reads */
  readonly duration: number;
  /** false for bookkeeping and for what was never judged */
  readonly exercised: boolean;
  /** what the check's own line says, for comparison only */
  readonly recorded?: string | undefined;
  readonly needsFaults: readonly string[];
  readonly ledger?: readonly LedgerRow[];
}

export interface Evaluated {
  readonly frame: Frame;
  readonly picture: Picture;
  /** lines that show why a check did not pass, by `seq` */
  readonly shown: ReadonlyMap<number, JournalLine>;
  /** in the order of the journal */
  readonly results: readonly CheckResult[];
}

/** A journal that can be read twice, some lines at a time. */
export type JournalSource = () => AsyncIterable<readonly JournalLine[]> | Iterable<readonly JournalLine[]>;

/** @throws what reading throws (`JournalError`) */
export async function evaluate(open: JournalSource): Promise<Evaluated> {
  const frame = new Frame();
  const picture = new PictureCollector();
  const checks: CheckLine[] = [];
  for await (const lines of open()) {
    for (const line of lines) {
      frame.add(line);
      picture.line(line);
      if (line.type === 'check') checks.push(line);
    }
  }
  const evaluation = new Evaluation(frame, checks);
  for await (const lines of open()) for (const line of lines) evaluation.line(line);
  const results = evaluation.results();
  return { frame, picture: picture.result(), shown: await shownOf(results, open), results };
}

/** The first lines of evidence of each check that did not pass: a third reading, only where there is one. */
async function shownOf(results: readonly CheckResult[], open: JournalSource): Promise<Map<number, JournalLine>> {
  const failed = results.filter(({ status, filteredOut }) => status !== 'pass' && !filteredOut);
  const wanted = new Set(failed.flatMap(({ evidence }) => evidence.slice(0, SHOWN_PER_CHECK)).slice(0, MOST_SHOWN));
  const shown = new Map<number, JournalLine>();
  if (wanted.size === 0) return shown;
  for await (const lines of open()) {
    for (const line of lines) if (wanted.has(line.seq)) shown.set(line.seq, line);
    if (shown.size === wanted.size) break;
  }
  return shown;
}

/** Judges one check over lines held in memory, in any order, for live progress. */
export function judgeCheck(check: CheckLine, lines: readonly JournalLine[]): CheckResult {
  const frame = new Frame();
  const ordered = lines.toSorted((a, b) => a.seq - b.seq).filter(({ seq }, index, all) => seq !== all[index - 1]?.seq);
  for (const line of ordered) frame.add(line);
  const evaluation = new Evaluation(frame, [check]);
  for (const line of ordered) evaluation.line(line);
  return evaluation.results()[0]!;
}

/** A reducer and the range it is fed. */
interface Slot {
  readonly from: number;
  readonly to: number;
  readonly reducer: Reducer | undefined;
  readonly problem: string;
  fed: number;
}

interface Case {
  readonly check: CheckLine;
  readonly claim: Slot;
  readonly premise: Slot | undefined;
}

class Evaluation {
  readonly #frame: Frame;
  readonly #cases: readonly Case[];
  readonly #waiting: Slot[];
  /** `t` of the lines at which ranges begin and end */
  readonly #times = new Map<number, number>();
  readonly #byOperation = new Map<string, Set<Slot>>();
  readonly #byNumber = new Map<number, Set<Slot>>();
  readonly #byType = new Map<LineType, Set<Slot>>();

  constructor(frame: Frame, checks: readonly CheckLine[]) {
    this.#frame = frame;
    this.#cases = checks.map((check) => ({
      check,
      claim: this.#slot(check, check.claim),
      premise: check.premise && this.#slot(check, check.premise),
    }));
    for (const { range } of checks) for (const seq of range) this.#times.set(seq, 0);
    const slots = this.#cases.flatMap(({ claim, premise }) => (premise ? [claim, premise] : [claim]));
    this.#waiting = slots.filter(({ reducer }) => reducer).toSorted((a, b) => b.from - a.from);
  }

  line(line: JournalLine): void {
    while ((this.#waiting.at(-1)?.from ?? Infinity) <= line.seq) this.#listen(this.#waiting.pop()!);
    if (this.#times.has(line.seq)) this.#times.set(line.seq, line.t);
    this.#feed(this.#byType.get(line.type), line);
    this.#feed(this.#byNumber.get(line.seq), line);
    if (line.type === 'invoke' || line.type === 'ok' || line.type === 'fail' || line.type === 'info') {
      this.#feed(this.#byOperation.get(line.id), line);
    }
  }

  results(): CheckResult[] {
    return this.#cases.map((one) => this.#result(one));
  }

  #slot(check: CheckLine, claim: Claim): Slot {
    const [from, to] = check.range;
    const started = findPredicate(claim.predicate)?.start(claim.params, this.#frame, check.seq) ?? 'no such predicate';
    const reducer = typeof started === 'string' ? undefined : started;
    return { from, to, reducer, problem: typeof started === 'string' ? `${claim.predicate}: ${started}` : '', fed: 0 };
  }

  #listen(slot: Slot): void {
    const { ops = [], seqs = [], types = [] } = slot.reducer?.interest ?? {};
    for (const id of ops) enter(this.#byOperation, id, slot);
    for (const seq of seqs) enter(this.#byNumber, seq, slot);
    for (const type of types) enter(this.#byType, type, slot);
  }

  #feed(slots: Set<Slot> | undefined, line: JournalLine): void {
    if (!slots) return;
    for (const slot of slots) {
      if (slot.to < line.seq) slots.delete(slot);
      else if (slot.fed < line.seq) {
        slot.fed = line.seq;
        slot.reducer?.line(line);
      }
    }
  }

  #result(one: Case): CheckResult {
    const { check } = one;
    const bookkeeping = findPredicate(check.claim.predicate)?.bookkeeping ?? false;
    const judgement = this.#judge(one);
    const blame = judgement.status === 'pass' || judgement.filteredOut ? undefined : (judgement.blame ?? check.blame ?? 'target');
    const excused = check.level === 'SHOULD' && judgement.status === 'fail';
    return {
      id: check.id,
      requirement: check.requirement,
      level: check.level,
      title: check.title,
      predicate: check.claim.predicate,
      status: excused ? 'warn' : judgement.status,
      ...(blame && { blame }),
      ...(judgement.filteredOut && { filteredOut: true }),
      message: judgement.message,
      evidence: judgement.evidence,
      seq: check.seq,
      duration: this.#span(check),
      exercised: !bookkeeping && (judgement.status === 'pass' || judgement.status === 'fail'),
      recorded: check.status,
      needsFaults: check.needsFaults ?? [],
      ...(judgement.ledger && { ledger: judgement.ledger }),
    };
  }

  #span({ range: [from, to] }: CheckLine): number {
    const span = (this.#times.get(to) ?? 0) - (this.#times.get(from) ?? 0);
    return Math.max(0, Math.round(span * 1000) / 1000);
  }

  #judge({ check, claim, premise }: Case): Judgement {
    const [from, to] = check.range;
    if (from > to || to >= check.seq) {
      return inconclusive('harness', `range ${from}–${to} is not a span before the check (${check.seq})`, [check.seq]);
    }
    for (const id of check.needsFaults ?? []) {
      const stages = this.#frame.stagesOf(id, check.seq);
      if (!stages.has('bit')) {
        const seen = [...stages.values()].map(({ seq }) => seq);
        const refused = refusalIn(stages.get('requested')?.evidence);
        const what = refused === undefined ? 'was not seen to bite' : `was refused: ${refused}`;
        return inconclusive('lab', `fault ${id} ${what}`, seen);
      }
    }
    for (const name of check.needsCalibrations ?? []) {
      const measured = this.#frame.calibrations.get(name);
      if (!measured) return inconclusive('lab', `calibration ${name} was not made`);
      if (!withinTolerance(measured)) {
        return inconclusive('lab', `calibration ${name} measured ${measured.measured} ${measured.unit}`, [measured.seq]);
      }
    }
    if (!claim.reducer) return inconclusive('harness', claim.problem, [check.seq]);
    if (premise && !premise.reducer) return inconclusive('harness', `premise ${premise.problem}`, [check.seq]);
    const held = premise?.reducer?.result();
    if (held && held.status !== 'pass') {
      return { ...held, status: 'unverified', blame: 'harness', message: `its premise never occurred: ${held.message}` };
    }
    return claim.reducer.result();
  }
}

/** why the lab could not make a fault */
function refusalIn(evidence: unknown): string | undefined {
  if (typeof evidence !== 'object' || evidence === null || !('refused' in evidence)) return undefined;
  return String(evidence.refused);
}

function enter<K>(slots: Map<K, Set<Slot>>, key: K, slot: Slot): void {
  const known = slots.get(key);
  if (known) known.add(slot);
  else slots.set(key, new Set([slot]));
}
