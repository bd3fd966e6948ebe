/** JUnit XML for CI systems: lossy, never read back. What is not a pass is never written as one. */
import junitModule, { type Builder, type TestCase } from 'junit-report-builder';
import type { ProofReport } from './report.ts';
import type { Row } from './verdict.ts';

// The package is CommonJS and exports the builder itself, while its types declare a `default` on it.
const junit = junitModule as unknown as Builder;

export function junitOf({ run, verdict }: ProofReport): string {
  const builder = junit.newBuilder().name(xmlText(run ? `muster ${run.runId}` : 'muster'));
  const bySuite = Map.groupBy(verdict.rows, ({ id }) => id.slice(0, id.indexOf('/')));
  for (const [name, rows] of bySuite) {
    const suite = builder.testSuite().name(xmlText(name));
    if (run) suite.timestamp(run.startedAt);
    for (const row of rows) writeCase(suite.testCase(), row);
  }
  return `${builder.build().trimEnd()}\n`;
}

function writeCase(test: TestCase, row: Row): void {
  test.className(xmlText(row.id.split('/').slice(0, -1).join('.'))).name(xmlText(row.id));
  test.time(row.duration / 1000);
  test.property('status', row.status).property('requirement', xmlText(row.requirement)).property('level', row.level);
  if (row.blame) test.property('blame', row.blame);
  const message = xmlText(`${row.status}: ${row.message}`);
  const type = row.blame ?? row.status;
  switch (row.status) {
    case 'pass':
      break;
    case 'skipped':
    case 'notrun':
    case 'expected-fail':
    case 'warn':
      test.property('message', message).skipped();
      break;
    case 'fail':
    case 'flaky':
    case 'stale-expected':
      if (row.blame === 'target') test.failure(message, type);
      else test.error(message, type);
      break;
    default:
      test.error(message, type);
  }
}

/** XML 1.0 has no way to write most control characters and lone surrogates. */
export function xmlText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is replaced
  return text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
}
