/**
 * Verifies a bundle with nothing but the bundle: what is in it, who signed it, and whether its verdict follows from its
 * evidence. Every check is evaluated again; every derived file is written again and compared byte for byte.
 */
import { join } from 'node:path';
import { type Attestation, keyIdOf } from './attestation.ts';
import { checkAttestation, readAttestation } from './attestation-check.ts';
import {
  attestationPath,
  attestedPaths,
  bagInfoPath,
  bagInfoText,
  bagitPath,
  bagitText,
  derivedDocuments,
  inputsPath,
  journalPath,
  manifestPath,
  parseManifest,
  reportPath,
  taggedPaths,
  tagManifestPath,
} from './bundle-layout.ts';
import { digestOf, type Inventory, openBundleFile, takeInventory } from './bundle.ts';
import { type Evaluated, evaluate } from './evaluate.ts';
import { readJournal } from './journal-reader.ts';
import { sameJson } from './json.ts';
import { bundleFormat, isAgentOf, type ProofReport, reportOf } from './report.ts';
import { proofStatement, testResultStatement } from './statements.ts';
import { type ExitCode, refusedExitCode, usageExitCode, type Verdict } from './verdict.ts';

export type FindingCode =
  | 'not-a-bundle'
  | 'unknown-format'
  | 'added-file'
  | 'missing-file'
  | 'changed-file'
  | 'irregular-file'
  | 're-serialised'
  | 'bad-attestation'
  | 'bad-signature'
  | 'wrong-key'
  | 'other-files'
  | 'journal-unreadable'
  | 'verdict-does-not-follow'
  | 'document-does-not-follow';

/** A reason to refuse the bundle. `file` is a path inside it. */
export interface Finding {
  readonly code: FindingCode;
  readonly file?: string;
  readonly message: string;
}

export interface VerifyOptions {
  /** raw public key, 1,952 bytes: the runner must have signed with it. Without, a signature only shows that one hand made it all. */
  readonly trustedKey?: Uint8Array;
}

export interface Verification {
  /** no finding: the bundle is whole, and its verdict follows from its evidence */
  readonly accepted: boolean;
  readonly findings: readonly Finding[];
  /** recomputed from the journal; absent when that cannot be read */
  readonly verdict?: Verdict;
  readonly report?: ProofReport;
  /** whose signatures hold; empty when any is wrong */
  readonly signers: readonly { readonly role: 'runner' | 'node'; readonly name: string; readonly keyid: string }[];
  /** true when the runner's key is the one given */
  readonly trusted: boolean;
  /** the verdict's when accepted; else 3, for such evidence says nothing about the target; 4 when there is no bundle */
  readonly exitCode: ExitCode;
}

/** Reads files of `directory` and nothing else. Never throws for what a bundle holds. */
export async function verifyBundle(directory: string, { trustedKey }: VerifyOptions = {}): Promise<Verification> {
  const inventory = await takeInventory(directory).catch((error: NodeJS.ErrnoException) => error);
  if (inventory instanceof Error) return noBundle(`${directory}: ${inventory.message}`);
  if (!inventory.contents.has(bagitPath) && !inventory.files.has(journalPath))
    return noBundle(`${directory} holds neither ${bagitPath} nor ${journalPath}`);

  const findings = structureFindings(inventory);
  const attested = readAttestation(inventory.contents.get(attestationPath));
  if (typeof attested === 'string') findings.push({ code: 'bad-attestation', file: attestationPath, message: attested });

  const evaluated = await evaluateJournal(directory, inventory, findings);
  const report = evaluated && reportOf(evaluated);
  if (evaluated && report) findings.push(...evidenceFindings(inventory, evaluated, report));

  let signers: Verification['signers'] = [];
  let trusted = false;
  if (typeof attested === 'object') {
    const signing = signatureFindings(attested, inventory, report, trustedKey);
    findings.push(...signing);
    if (!signing.some(({ code }) => code === 'bad-signature')) signers = attested.keys.map(({ role, name, keyid }) => ({ role, name, keyid }));
    trusted = trustedKey !== undefined && signers.some(({ role, keyid }) => role === 'runner' && keyid === keyIdOf(trustedKey));
  }
  const accepted = findings.length === 0 && report !== undefined;
  const exitCode = accepted ? report.verdict.exitCode : refusedExitCode;
  return { accepted, findings, ...(report && { verdict: report.verdict, report }), signers, trusted, exitCode };
}

function noBundle(message: string): Verification {
  return { accepted: false, findings: [{ code: 'not-a-bundle', message }], signers: [], trusted: false, exitCode: usageExitCode };
}

/** Manifests against files, both ways; and the manifests' own form. */
function structureFindings({ files, contents, strange }: Inventory): Finding[] {
  const findings: Finding[] = strange.map(({ path, problem }) => ({ code: 'irregular-file', file: path, message: problem }));
  const format = /^Muster-Bundle-Format: (\d+)$/m.exec(contents.get(bagInfoPath)?.toString('utf8') ?? '')?.[1];
  if (format !== undefined && format !== String(bundleFormat)) {
    findings.push({ code: 'unknown-format', file: bagInfoPath, message: `format ${format}; this verifier knows ${bundleFormat}` });
  }
  const payload = [...files.keys()].filter((path) => path.startsWith('data/'));
  findings.push(...manifestFindings(manifestPath, payload, files, contents));
  findings.push(
    ...manifestFindings(
      tagManifestPath,
      taggedPaths.filter((path) => files.has(path)),
      files,
      contents,
    ),
  );
  const known = new Set([...payload, ...taggedPaths, tagManifestPath]);
  for (const path of files.keys()) if (!known.has(path)) findings.push({ code: 'added-file', file: path, message: 'in no manifest' });
  for (const path of taggedPaths) if (!files.has(path)) findings.push({ code: 'missing-file', file: path, message: 'every bundle has it' });
  if (contents.has(bagitPath) && contents.get(bagitPath)!.toString('latin1') !== bagitText) {
    findings.push({ code: 're-serialised', file: bagitPath, message: 'not the declaration that a bundle begins with' });
  }
  return findings;
}

function manifestFindings(manifest: string, present: readonly string[], files: Inventory['files'], contents: Inventory['contents']): Finding[] {
  const bytes = contents.get(manifest);
  if (!bytes) return manifest === tagManifestPath ? [{ code: 'missing-file', file: manifest, message: 'every bundle has it' }] : [];
  const listed = parseManifest(bytes.toString('latin1'));
  if (!listed) return [{ code: 're-serialised', file: manifest, message: 'not as a bundle writes it: sorted, LF, two spaces, plain paths' }];
  const findings: Finding[] = [];
  for (const [path, sha256] of listed) {
    const found = files.get(path);
    if (!found || !present.includes(path)) findings.push({ code: 'missing-file', file: path, message: `listed in ${manifest}` });
    else if (found.sha256 !== sha256)
      findings.push({ code: 'changed-file', file: path, message: `SHA-256 is ${found.sha256}, ${manifest} says ${sha256}` });
  }
  for (const path of present) if (!listed.has(path)) findings.push({ code: 'added-file', file: path, message: `not in ${manifest}` });
  return findings;
}

async function evaluateJournal(directory: string, { files }: Inventory, findings: Finding[]): Promise<Evaluated | undefined> {
  if (!files.has(journalPath)) {
    findings.push({ code: 'missing-file', file: journalPath, message: 'no evidence' });
    return undefined;
  }
  try {
    return await evaluate(() => readJournal(openBundleFile(join(directory, journalPath)), { torn: 'refuse' }));
  } catch (error) {
    findings.push({ code: 'journal-unreadable', file: journalPath, message: (error as Error).message });
    return undefined;
  }
}

const doesNotFollow = 'a verdict that does not follow from the evidence';

function evidenceFindings({ files, contents }: Inventory, evaluated: Evaluated, report: ProofReport): Finding[] {
  const findings: Finding[] = [];
  for (const { id, recorded, status, seq } of evaluated.results) {
    if (recorded === undefined || recorded === status) continue;
    const message = `${doesNotFollow}: line ${seq} records ${id} as ${recorded}, the evidence says ${status}`;
    findings.push({ code: 'verdict-does-not-follow', file: journalPath, message });
  }
  for (const [path, text] of derivedDocuments(report, evaluated)) {
    const bytes = contents.get(path);
    if (!bytes) findings.push({ code: 'missing-file', file: path, message: 'every bundle has it' });
    else if (!bytes.equals(Buffer.from(text, 'utf8'))) findings.push(documentFinding(path, bytes, text, report));
  }
  const payload = [...files].filter(([path]) => path.startsWith('data/')).map(([, facts]) => facts);
  const bagInfo = contents.get(bagInfoPath);
  if (bagInfo && !bagInfo.equals(Buffer.from(bagInfoText(report, payload)))) {
    findings.push({ code: 'document-does-not-follow', file: bagInfoPath, message: 'differs from what the bundle holds' });
  }
  return findings;
}

function documentFinding(path: string, bytes: Buffer, text: string, report: ProofReport): Finding {
  const recorded = path.endsWith('.json') ? parsed(bytes) : undefined;
  if (recorded !== undefined && sameJson(recorded, JSON.parse(text)))
    return { code: 're-serialised', file: path, message: 'says the same in another form' };
  if (path !== reportPath) return { code: 'document-does-not-follow', file: path, message: 'differs from what the journal gives' };
  const difference = verdictDifference(recorded, report.verdict);
  return difference
    ? { code: 'verdict-does-not-follow', file: path, message: `${doesNotFollow}: ${difference}` }
    : { code: 'document-does-not-follow', file: path, message: 'differs from what the journal gives' };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function verdictDifference(recorded: unknown, verdict: Verdict): string | undefined {
  const claimed = (recorded as Partial<ProofReport> | undefined | null)?.verdict;
  if (typeof claimed !== 'object' || claimed === null) return 'it records no verdict';
  if (!Array.isArray(claimed.rows)) return 'it records no checks';
  const claims = new Map(claimed.rows.map((row: Partial<Verdict['rows'][number]> | null) => [row?.id, row?.status]));
  const differing = verdict.rows.find(({ id, status }) => claims.get(id) !== status);
  if (differing) return `it records ${differing.id} as ${claims.get(differing.id) ?? 'absent'}, the evidence says ${differing.status}`;
  if (claims.size !== verdict.rows.length) return 'it records checks that the journal does not hold';
  if (claimed.outcome === verdict.outcome && claimed.exitCode === verdict.exitCode) return undefined;
  return `it records ${claimed.outcome} (${claimed.exitCode}), the evidence says ${verdict.outcome} (${verdict.exitCode})`;
}

function signatureFindings(
  attestation: Attestation,
  { files }: Inventory,
  report: ProofReport | undefined,
  trustedKey: Uint8Array | undefined,
): Finding[] {
  const findings: Finding[] = checkAttestation(attestation).map((message) => ({ code: 'bad-signature', file: attestationPath, message }));
  const runner = attestation.keys.find(({ role }) => role === 'runner');
  if (trustedKey && runner?.keyid !== keyIdOf(trustedKey)) {
    findings.push({
      code: 'wrong-key',
      file: attestationPath,
      message: `signed by ${runner?.keyid ?? 'no runner'}, not by the key given (${keyIdOf(trustedKey)})`,
    });
  }
  if (!report) return findings;
  for (const { role, name, keyid } of attestation.keys) {
    if (role === 'node' && !isAgentOf(report, name, keyid)) {
      findings.push({ code: 'wrong-key', file: attestationPath, message: `signed for node ${name} by ${keyid}, which is not its agent` });
    }
  }
  const subject = attestedPaths.map((path) => digestOf(path, files));
  const signers = attestation.keys.map(({ role, name, keyid }) => ({ role, name, keyid }));
  const evidence = [journalPath, reportPath].map((path) => digestOf(path, files));
  const statements = [
    [attestation.testResult.payload, testResultStatement(subject, digestOf(inputsPath, files), report)],
    [attestation.proof.payload, proofStatement(subject, evidence, signers, report)],
  ] as const;
  for (const [payload, expected] of statements) {
    const finding = statementFinding(Buffer.from(payload, 'base64'), Buffer.from(expected));
    if (finding) findings.push({ ...finding, file: attestationPath });
  }
  return findings;
}

function statementFinding(payload: Buffer, expected: Buffer): Pick<Finding, 'code' | 'message'> | undefined {
  if (payload.equals(expected)) return undefined;
  const claimed = parsed(payload) as { subject?: unknown; predicateType?: unknown; predicate?: unknown } | undefined | null;
  const right = JSON.parse(expected.toString('utf8')) as { subject: unknown; predicateType: unknown; predicate: unknown };
  if (!sameJson(claimed?.subject, right.subject)) return { code: 'other-files', message: 'a statement about other files than these' };
  if (claimed?.predicateType !== right.predicateType)
    return { code: 'bad-attestation', message: `not a statement of type ${String(right.predicateType)}` };
  const [named, present] = [claimed?.predicate, right.predicate].map((predicate) => (predicate as { signers?: unknown } | undefined)?.signers);
  if (!sameJson(named, present)) return { code: 'bad-signature', message: 'the statement names other signers than these' };
  if (!sameJson(claimed?.predicate, right.predicate))
    return { code: 'verdict-does-not-follow', message: `${doesNotFollow}: so says a signed statement` };
  return { code: 're-serialised', message: 'a statement that says the same in another form' };
}
