/** Several bundles as one: the shards of a run, the suites of a release. Their verdicts make one verdict, by rules that anyone can apply again. */
import type { ProofReport } from './report.ts';
import { broken, type Row, type Status, type Verdict, verdictOf } from './verdict.ts';

/** Raised when the document changes its form. */
const rollUpFormat = 1;

/** A bundle of a roll-up. */
export interface Part {
  /** its folder in the roll-up */
  readonly name: string;
  /** SHA-256 of its tag manifest, which covers every byte of it */
  readonly digest: string;
  readonly report: ProofReport;
}

export interface RollUp {
  readonly format: number;
  readonly bundles: readonly {
    readonly name: string;
    readonly digest: string;
    readonly runId: string | null;
    readonly startedAt: string | null;
    readonly seed: string | null;
    readonly reproduce: string | null;
    readonly target: string;
    readonly filters: readonly string[];
    readonly outcome: Verdict['outcome'];
    readonly exitCode: number;
    /** ms */
    readonly duration: number;
  }[];
  readonly verdict: Verdict;
}

/** The roll-up of bundles that were verified, in the order of their names. */
export function rollUpOf(parts: readonly Part[]): RollUp {
  const ordered = parts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    format: rollUpFormat,
    bundles: ordered.map(({ name, digest, report }) => ({
      name,
      digest,
      runId: report.run?.runId ?? null,
      startedAt: report.run?.startedAt ?? null,
      seed: report.run?.seed ?? null,
      reproduce: report.run?.reproduce ?? null,
      target: targetOf(report),
      filters: report.run?.filters ?? [],
      outcome: report.verdict.outcome,
      exitCode: report.verdict.exitCode,
      duration: report.journal.duration,
    })),
    verdict: mergedVerdict(ordered),
  };
}

/** of one check in several bundles, worst first */
const severity: readonly Status[] = [
  'fail', 'crash', 'timeout', 'stale-expected', 'flaky', 'inconclusive', 'unverified', 'warn', 'expected-fail', 'notrun', 'skipped', 'pass',
]; // prettier-ignore
/** Whether anything was exercised is asked of the whole. */
const ofOneBundle = 'run/exercised/1';

function mergedVerdict(parts: readonly Part[]): Verdict {
  const found = parts.flatMap(({ name, report }) => report.verdict.rows.map((row) => ({ name, row })));
  const byCheck = Map.groupBy(found.filter(({ row }) => row.id !== ofOneBundle), ({ row }) => row.id); // prettier-ignore
  const rows = [...byCheck.values()].map(mergedRow);
  const whole = [...shardRows(parts), ...targetRows(parts)];
  if (!rows.some(({ exercised }) => exercised)) whole.push(runRow('exercised', 'fail', 'no check was exercised'));
  return verdictOf([...whole, ...rows]);
}

interface Found {
  readonly name: string;
  readonly row: Row;
}

function mergedRow(all: readonly Found[]): Row {
  const asked = all.filter(({ row }) => !row.filteredOut);
  const judged = asked.length > 0 ? asked : all.slice(0, 1);
  const [worst] = judged.toSorted((a, b) => severity.indexOf(a.row.status) - severity.indexOf(b.row.status));
  const { row, name } = worst!;
  const flaky = broken.has(row.status) && judged.some((one) => one.row.status === 'pass');
  return {
    ...row,
    status: flaky ? 'flaky' : row.status,
    message: row.status === 'pass' || row.filteredOut ? row.message : `${row.message} (in ${name})`,
    attempts: judged.reduce((sum, one) => sum + one.row.attempts, 0),
    duration: Math.round(judged.reduce((sum, one) => sum + one.row.duration, 0) * 1000) / 1000,
    exercised: judged.some((one) => one.row.exercised),
  };
}

function runRow(clause: string, status: 'fail' | 'inconclusive', message: string): Row {
  return {
    id: `run/${clause}/1`, requirement: `run.${clause}`, level: 'MUST', status, blame: 'harness', message,
    evidence: [], attempts: 1, duration: 0, exercised: false, needsFaults: [],
  }; // prettier-ignore
}

const shardFilter = /^--shard (\d+)\/(\d+)$/;

/** Shards that belong together must all be there. */
function shardRows(parts: readonly Part[]): Row[] {
  const sets = new Map<string, { readonly of: number; readonly present: Set<number> }>();
  for (const { report } of parts) {
    const filters = report.run?.filters ?? [];
    const [, index, of] = filters.map((filter) => shardFilter.exec(filter)).find((match) => match !== null) ?? [];
    if (index === undefined) continue;
    const others = filters.filter((filter) => !shardFilter.test(filter));
    const key = JSON.stringify([of, others, report.run?.inputs]);
    const set = sets.get(key) ?? { of: Number(of), present: new Set() };
    set.present.add(Number(index));
    sets.set(key, set);
  }
  return [...sets.values()].flatMap(({ of, present }) => {
    const missing = Array.from({ length: of }, (_, n) => n + 1).filter((index) => !present.has(index));
    if (missing.length === 0) return [];
    return [runRow('shards', 'inconclusive', `of ${of} shards, ${missing.map((index) => `${index}/${of}`).join(', ')} missing`)];
  });
}

function targetRows(parts: readonly Part[]): Row[] {
  // Where nothing ran no node said its version: then the name has to do.
  const [silent, told] = [true, false].map((none) => parts.filter(({ report }) => (report.worlds.length === 0) === none)) as [Part[], Part[]];
  const unheard = silent.filter(({ report }) => !told.some((other) => nameOf(other.report) === nameOf(report)));
  const targets = [...new Set([...told, ...unheard].map(({ report }) => targetOf(report)))];
  return targets.length > 1 ? [runRow('target', 'inconclusive', `bundles of different targets: ${targets.join(', ')}`)] : [];
}

/** The implementation and its versions, as its nodes gave them. */
function targetOf(report: ProofReport): string {
  const nodes = report.worlds.flatMap(({ nodes: members }) => members);
  const versions = [...new Set(nodes.flatMap(({ version }) => (version === undefined ? [] : [version])))];
  return [nameOf(report), ...versions.toSorted()].join(' ');
}

function nameOf({ run }: ProofReport): string {
  return String(run?.inputs['target'] ?? 'unknown');
}
