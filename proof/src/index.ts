/**
 * What counts as evidence: the journal of a run, the predicates that judge it, the verdict, the signed bundle, `verify`.
 *
 * ```ts
 * await using file = new JournalFile(path);
 * const journal = new JournalWriter({ sink: file, elapsed: () => performance.now() - begun });
 * journal.write({ type: 'invoke', id: 'op-1', process: 'alice', surface: 'rest', op: 'status.health', input: null });
 * journal.write({ type: 'ok', id: 'op-1', status: 200, output: { ok: true } });
 * const claim = claims.equals(at('op-1', '/output/ok'), true);
 * journal.write({ type: 'check', id: 'smoke/health/1', requirement: 'health', level: 'MUST', claim, range: [1, journal.seq] });
 * file.close();
 * const { report } = await writeBundle({ directory, journal: path, runner: await loadRunnerKey(keyFile) });
 * const { accepted, exitCode } = await verifyBundle(directory, { trustedKey });
 * ```
 */
export * from './json.ts';
export * from './claim.ts';
export * from './claims.ts';
export * from './journal.ts';
export * from './journal-writer.ts';
export * from './journal-reader.ts';
export * from './journal-file.ts';
export { Redactor } from './redaction.ts';
export { type Answer, AnsweredOperations, compare, type Comparison, type Divergence } from './divergence.ts';
export { EdnHistory } from './edn.ts';
export { type Hypotheses, SequentialTest } from './checkers/sequential.ts';
export { Histograms } from './picture/histogram.ts';
export { LOGS, RESOURCES } from './picture/picture.ts';
export * from './frame.ts';
export * from './evaluate.ts';
export type { JudgedStatus } from './predicates/predicate.ts';
export type { Disposition, LedgerRow } from './predicates/ledger.ts';
export { predicateNames } from './predicates/registry.ts';
export * from './verdict.ts';
export * from './parts.ts';
export * from './report.ts';
export { ctrfOf, ctrfStatusOf, type CtrfStatus } from './ctrf.ts';
export { junitOf } from './junit.ts';
export { reportHtml } from './report-html.ts';
export { nodeSignatureContext, nodeSignedBytes, type NodeSigner, type Signer, signerFromSeed, keyIdOf, type Unsigned } from './attestation.ts';
export { type RollUp } from './roll-up.ts';
export { isRollUp, RollUpError, type RollUpInput, verifyRollUp, writeRollUp } from './roll-up-folder.ts';
export { type PastResult, type Regression, regressions, type Trend, trendOf, wilsonInterval } from './trends.ts';
export { loadRunnerKey, loadTrustedKey, publicKeyText, RunnerKeyError, type RunnerKeyErrorCode } from './runner-key.ts';
export { type BundleInput, readBundleJournal, writeBundle, type WrittenBundle } from './bundle.ts';
export { type CrashPrefix, isCrashPrefix, partialOf, readCrashPrefix } from './crash-prefix.ts';
export { type Finding, type FindingCode, type Verification, verifyBundle, type VerifyOptions } from './verify.ts';
