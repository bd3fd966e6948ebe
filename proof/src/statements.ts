/**
 * What is attested: an in-toto Statement v1 with the Test Result predicate v0.1, and a second one with our own detailed
 * predicate. Both are about the bundle's manifest and its two declarations, and through the manifest about every file.
 */
import type { ProofReport } from './report.ts';
import type { Row, Verdict } from './verdict.ts';

export const payloadType = 'application/vnd.in-toto+json';
const statementType = 'https://in-toto.io/Statement/v1';
const testResultType = 'https://in-toto.io/attestation/test-result/v0.1';
const proofType = 'urn:muster:attestation:proof:v1';
const rollUpType = 'urn:muster:attestation:roll-up:v1';

/** Names a file of the bundle by its SHA-256, lower-case hex. */
export interface FileDigest {
  readonly name: string;
  readonly digest: { readonly sha256: string };
}

/** Who signs the detailed statement. `keyid`: SHA-256 of the raw public key in hex; a node's is its agent id. */
export interface SignerName {
  readonly role: 'runner' | 'node';
  readonly name: string;
  readonly keyid: string;
}

/** DSSE v1 pre-authentication encoding. */
export function preAuthentication(type: string, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}

function statement(subject: readonly FileDigest[], predicateType: string, predicate: unknown): Uint8Array {
  return Buffer.from(JSON.stringify({ _type: statementType, subject, predicateType, predicate }));
}

/** The predicate knows three results; whatever is neither passed nor warned is FAILED, the only one that claims nothing. */
function resultOf({ verdict }: ProofReport): 'PASSED' | 'WARNED' | 'FAILED' {
  if (verdict.exitCode !== 0) return 'FAILED';
  return verdict.counts.warn > 0 ? 'WARNED' : 'PASSED';
}

export function testResultStatement(subject: readonly FileDigest[], inputs: FileDigest, report: ProofReport): Uint8Array {
  const named = (wanted: (row: Row) => boolean) => report.verdict.rows.filter(wanted).map(({ id }) => id);
  const failing = new Set(['fail', 'crash', 'timeout', 'flaky', 'stale-expected']);
  return statement(subject, testResultType, {
    result: resultOf(report),
    configuration: [inputs],
    passedTests: named(({ status }) => status === 'pass'),
    warnedTests: named(({ status }) => status === 'warn'),
    failedTests: named(({ status, blame }) => failing.has(status) && blame === 'target'),
  });
}

/** Bounded whatever the number of checks (nodes sign at most 256 KiB): the rows stand in the report, which the manifest covers. */
export function proofStatement(
  subject: readonly FileDigest[],
  files: readonly FileDigest[],
  signers: readonly SignerName[],
  report: ProofReport,
): Uint8Array {
  const { run, verdict, journal, killRate } = report;
  return statement(subject, proofType, {
    runId: run?.runId ?? null,
    tool: run?.tool ?? null,
    seed: run?.seed ?? null,
    replay: run?.replay ?? null,
    outcome: verdict.outcome,
    exitCode: verdict.exitCode,
    blame: verdict.blame ?? null,
    exercised: verdict.exercised,
    counts: verdict.counts,
    blamed: verdict.blamed,
    killRate,
    journal,
    evidence: files,
    signers,
  });
}

/** What several bundles come to; `subject` names the roll-up's report and the tag manifest of each bundle. */
export function rollUpStatement(subject: readonly FileDigest[], { outcome, exitCode, blame, exercised, counts, blamed }: Verdict): Uint8Array {
  return statement(subject, rollUpType, { outcome, exitCode, blame: blame ?? null, exercised, counts, blamed });
}
