/** From judged checks to one row per check id, one verdict and one exit code. */
import type { CheckResult, Evaluated } from './evaluate.ts';
import type { Frame } from './frame.ts';
import type { Blame } from './journal.ts';
import type { LedgerRow } from './predicates/ledger.ts';

export const statuses = [
  'pass', 'fail', 'warn', 'unverified', 'inconclusive', 'skipped', 'notrun',
  'expected-fail', 'stale-expected', 'flaky', 'crash', 'timeout',
] as const; // prettier-ignore
export type Status = (typeof statuses)[number];

/** 4 usage · 1 the target failed · 3 lab or harness fault · 2 inconclusive or unverified · 0. */
export type ExitCode = 0 | 1 | 2 | 3 | 4;
export const usageExitCode = 4;
export const refusedExitCode = 3;

/** One check, all its attempts together. */
export interface Row {
  readonly id: string;
  readonly requirement: string;
  readonly level: 'MUST' | 'SHOULD';
  readonly title?: string | undefined;
  readonly status: Status;
  /** on every row that is neither a pass nor filtered out */
  readonly blame?: Blame;
  /** true: not run because nobody asked for it */
  readonly filteredOut?: true;
  readonly message: string;
  readonly evidence: readonly number[];
  readonly attempts: number;
  /** ms, summed over attempts */
  readonly duration: number;
  readonly exercised: boolean;
  readonly needsFaults: readonly string[];
  readonly ledger?: readonly LedgerRow[];
}

export interface Verdict {
  readonly outcome: 'passed' | 'failed' | 'faulty' | 'inconclusive';
  readonly exitCode: ExitCode;
  /** who is to blame for the outcome; none when it passed */
  readonly blame?: Blame;
  readonly summary: string;
  readonly exercised: number;
  readonly counts: Readonly<Record<Status, number>>;
  readonly blamed: Readonly<Record<Blame, number>>;
  readonly rows: readonly Row[];
}

/** Attempts at one check, worst first. */
const severity: readonly CheckResult['status'][] = [
  'fail', 'crash', 'timeout', 'inconclusive', 'unverified', 'warn', 'notrun', 'skipped', 'pass',
]; // prettier-ignore
/** Statuses by which somebody failed. */
export const broken: ReadonlySet<Status> = new Set(['fail', 'crash', 'timeout', 'flaky', 'stale-expected']);

export function judge({ frame, results }: Evaluated): Verdict {
  const attempts = Map.groupBy(results, ({ id }) => id);
  const expected = new Map(frame.run?.expectedFailures.map(({ check, reason }) => [check, reason]));
  const judged = [...attempts.values()].map((tries) => excused(rowOf(tries), expected));
  const exercised = judged.filter((row) => row.exercised).length;
  return verdictOf([...runRows(frame, judged, exercised), ...judged]);
}

/** What rows come to, each of another check. */
export function verdictOf(rows: readonly Row[]): Verdict {
  const exercised = rows.filter((row) => row.exercised).length;
  const exitCode = exitCodeOf(rows);
  const counts = count(statuses, rows, ({ status }) => status);
  const blamed = count(['target', 'lab', 'harness', 'spec'] as const, rows, ({ blame }) => blame);
  const decisive = exitCode === 0 ? undefined : rows.find((row) => weight(row) === exitCode);
  return {
    outcome: outcomes[exitCode],
    exitCode,
    ...(decisive?.blame && { blame: decisive.blame }),
    summary: summaryOf(rows, counts, exercised),
    exercised,
    counts,
    blamed,
    rows,
  };
}

const outcomes = { 0: 'passed', 1: 'failed', 2: 'inconclusive', 3: 'faulty' } as const;

function rowOf(tries: readonly CheckResult[]): Row {
  const ranked = tries.toSorted((a, b) => severity.indexOf(a.status) - severity.indexOf(b.status));
  const worst = ranked[0]!;
  const flaky = broken.has(worst.status) && tries.some(({ status }) => status === 'pass');
  const { id, requirement, level, title, blame, filteredOut, message, evidence, needsFaults, ledger } = worst;
  return {
    id,
    requirement,
    level,
    title,
    status: flaky ? 'flaky' : worst.status,
    ...(blame && { blame }),
    ...(filteredOut && { filteredOut }),
    message: flaky ? `${tries.filter(({ status }) => status === 'pass').length} of ${tries.length} attempts passed: ${message}` : message,
    evidence: evidence.length > 0 ? evidence : [worst.seq],
    attempts: tries.length,
    duration: Math.round(tries.reduce((sum, { duration }) => sum + duration, 0) * 1000) / 1000,
    exercised: tries.some(({ exercised }) => exercised),
    needsFaults,
    ...(ledger && { ledger }),
  };
}

function excused(row: Row, expected: ReadonlyMap<string, string>): Row {
  const reason = expected.get(row.id);
  if (reason === undefined || !row.exercised) return row;
  if (row.status === 'fail' && row.blame === 'target') {
    return { ...row, status: 'expected-fail', message: `${row.message} (expected: ${reason})` };
  }
  if (row.status !== 'pass') return row;
  return { ...row, status: 'stale-expected', blame: 'target', message: `passes, but is listed as failing: ${reason}` };
}

/** What the run as a whole failed to do. */
function runRows(frame: Frame, rows: readonly Row[], exercised: number): Row[] {
  const row = (clause: string, status: Status, blame: Blame, message: string): Row => ({
    id: `run/${clause}/1`, requirement: `run.${clause}`, level: 'MUST', status, blame, message,
    evidence: frame.lastSeq > 0 ? [frame.lastSeq] : [], attempts: 1, duration: 0, exercised: false, needsFaults: [],
  }); // prettier-ignore
  const found: Row[] = [];
  if (!frame.run) found.push(row('started', 'fail', 'harness', 'the journal does not say which run it is of'));
  if (!frame.finished) found.push(row('finished', 'crash', 'harness', 'the journal ends before the run did'));
  if (frame.finished === 'interrupted') found.push(row('finished', 'inconclusive', 'harness', 'the run was interrupted'));
  if (exercised === 0) {
    const undeclared = rows.length > 0 && rows.every(({ status }) => status === 'skipped');
    const failed = rows.some(({ status, blame }) => broken.has(status) && blame === 'target');
    found.push(row('exercised', 'fail', undeclared || failed ? 'target' : 'harness', 'no check was exercised'));
  }
  return found;
}

function weight({ status, blame }: Row): ExitCode {
  if (status === 'stale-expected') return 1;
  if (broken.has(status)) {
    if (blame === 'target') return 1;
    return blame === 'spec' ? 2 : 3;
  }
  return status === 'inconclusive' || status === 'unverified' ? 2 : 0;
}

const strongestFirst = [1, 3, 2] as const;

function exitCodeOf(rows: readonly Row[]): 0 | 1 | 2 | 3 {
  const weights = new Set(rows.map(weight));
  return strongestFirst.find((code) => weights.has(code)) ?? 0;
}

function count<K extends string>(keys: readonly K[], rows: readonly Row[], of: (row: Row) => K | undefined): Record<K, number> {
  const counts = Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
  for (const row of rows) {
    const key = of(row);
    if (key !== undefined) counts[key] += 1;
  }
  return counts;
}

/** `352 checks, 333 of them exercised`, then what became of them when not all passed, then what nobody asked for. */
function summaryOf(rows: readonly Row[], counts: Readonly<Record<Status, number>>, exercised: number): string {
  const left = rows.filter(({ filteredOut }) => filteredOut).length;
  const asked = rows.length - left;
  const numbers = { ...counts, notrun: counts.notrun - left };
  const parts = statuses.filter((status) => numbers[status] > 0).map((status) => `${numbers[status]} ${status}`);
  return [
    `${asked} check${asked === 1 ? '' : 's'}, ${exercised} of them exercised`,
    ...(numbers.pass < asked ? [`: ${parts.join(', ')}`] : []),
    ...(left > 0 ? [`; ${left} filtered out`] : []),
  ].join('');
}
