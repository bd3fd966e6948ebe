/**
 * What a run leaves behind that was killed: its journal as far as it was written, in a folder beside the place of its bundle.
 * Nobody signed it, so it proves nothing; but what it holds can be judged and looked at.
 */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { bagitPath } from './bundle-layout.ts';
import { openBundleFile } from './bundle.ts';
import { type Evaluated, evaluate } from './evaluate.ts';
import { readJournal } from './journal-reader.ts';
import { type ProofReport, reportOf } from './report.ts';
import { reportHtml } from './report-html.ts';
import { type Row, type Verdict, verdictOf } from './verdict.ts';

const JOURNAL = 'journal.jsonl';

/** Where a run keeps its journal until the bundle stands. */
export function partialOf(bundle: string): { readonly directory: string; readonly journal: string } {
  const directory = `${bundle}.partial`;
  return { directory, journal: join(directory, JOURNAL) };
}

export async function isCrashPrefix(directory: string): Promise<boolean> {
  const [journal, bagit] = await Promise.all([JOURNAL, bagitPath].map((path) => lstat(join(directory, path)).catch(() => undefined)));
  return journal?.isFile() === true && bagit === undefined;
}

export interface CrashPrefix {
  /** its verdict is never a pass */
  readonly report: ProofReport;
  /** one line: what it is */
  readonly said: string;
  /** the report as a page */
  html(): string;
}

/** @throws JournalError when a line other than a torn last one is no line of a journal */
export async function readCrashPrefix(directory: string): Promise<CrashPrefix> {
  const evaluated = await evaluate(() => readJournal(openBundleFile(join(directory, JOURNAL)), { torn: 'allow' }));
  const whole = reportOf(evaluated);
  const report = { ...whole, verdict: unsigned(whole.verdict, evaluated) };
  const { lines, duration } = report.journal;
  const how = evaluated.frame.finished ? 'ended, and was killed before its bundle stood' : 'was killed';
  const said = `crash prefix: the run ${how}; ${lines} lines of ${(duration / 1000).toFixed(1)} s, which nobody signed, judged as far as they go`;
  return { report, said, html: () => reportHtml(report, evaluated) };
}

/** That it ends early is nobody's failure here: it leaves open what would have come. */
function unsigned(verdict: Verdict, { frame }: Evaluated): Verdict {
  const open = (row: Row): Row =>
    row.id === 'run/finished/1' || row.id === 'run/exercised/1' ? { ...row, status: 'inconclusive', blame: 'harness' } : row;
  const signed: Row = {
    id: 'run/signed/1',
    requirement: 'run.signed',
    level: 'MUST',
    status: 'inconclusive',
    blame: 'harness',
    message: 'the run was killed before anybody signed what it found',
    evidence: frame.lastSeq > 0 ? [frame.lastSeq] : [],
    attempts: 1,
    duration: 0,
    exercised: false,
    needsFaults: [],
  };
  return verdictOf([signed, ...verdict.rows.map(open)]);
}
