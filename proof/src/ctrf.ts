/** CTRF (ctrf.io, specification 0.0.0): our statuses map down, and stand unchanged in `rawStatus`. */
import type { ProofReport } from './report.ts';
import type { Row, Status } from './verdict.ts';

export type CtrfStatus = 'passed' | 'failed' | 'skipped' | 'pending' | 'other';

const byStatus: Readonly<Record<Status, CtrfStatus>> = {
  pass: 'passed',
  fail: 'failed',
  warn: 'other',
  unverified: 'other',
  inconclusive: 'other',
  skipped: 'skipped',
  notrun: 'pending',
  'expected-fail': 'other',
  'stale-expected': 'failed',
  flaky: 'failed',
  crash: 'failed',
  timeout: 'failed',
};

/** A failure that the lab, the harness or the specification is to blame for is no failed test of the target. */
export function ctrfStatusOf({ status, blame }: Row): CtrfStatus {
  const mapped = byStatus[status];
  return mapped === 'failed' && blame !== 'target' ? 'other' : mapped;
}

export function ctrfOf(report: ProofReport): unknown {
  const { run, verdict, journal } = report;
  const start = run ? Date.parse(run.startedAt) : 0;
  const tests = verdict.rows.map(testOf);
  const counted = (status: CtrfStatus) => tests.filter((test) => test.status === status).length;
  return {
    reportFormat: 'CTRF',
    specVersion: '0.0.0',
    generatedBy: run ? `${run.tool.name} ${run.tool.version}` : 'muster',
    results: {
      tool: { name: run?.tool.name ?? 'muster', version: run?.tool.version ?? '' },
      summary: {
        tests: tests.length,
        passed: counted('passed'),
        failed: counted('failed'),
        pending: counted('pending'),
        skipped: counted('skipped'),
        other: counted('other'),
        flaky: verdict.counts.flaky,
        start,
        stop: start + Math.round(journal.duration),
      },
      tests,
      extra: { muster: { runId: run?.runId ?? null, outcome: verdict.outcome, exitCode: verdict.exitCode } },
    },
  };
}

function testOf(row: Row) {
  return {
    name: row.id,
    status: ctrfStatusOf(row),
    duration: Math.round(row.duration),
    suite: row.id.split('/').slice(0, -1),
    message: row.message,
    rawStatus: row.status,
    flaky: row.status === 'flaky',
    retries: row.attempts - 1,
    labels: { requirement: row.requirement, level: row.level, ...(row.blame && { blame: row.blame }) },
    extra: { muster: { evidence: row.evidence } },
  };
}
