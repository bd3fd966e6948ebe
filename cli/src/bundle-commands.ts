/** `verify` and `report`: what a bundle says, and whether to believe it. */
import { existsSync } from 'node:fs';
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type CrashPrefix,
  isCrashPrefix,
  isRollUp,
  JournalError,
  loadTrustedKey,
  partialOf,
  type ProofReport,
  readCrashPrefix,
  type Verification,
  verifyBundle,
  verifyRollUp,
} from '@muster/proof';
import { codeOf, EXIT_HARNESS, EXIT_USAGE, Failure, messageOf } from './failure.ts';
import { printJson, printLine } from './output.ts';
import { reportLines, verdictLines } from './verdict-text.ts';

const HTML = 'data/report.html';

export interface VerifyRequest {
  readonly bundle: string;
  /** file of the public key that the runner must have signed with */
  readonly key?: string | undefined;
  readonly json: boolean;
}

/** Resolves with the exit code of the verification. @throws Failure when the key cannot be read */
export async function verify({ bundle, key, json }: VerifyRequest): Promise<number> {
  await refuseUnlessFolder(bundle);
  if (await isCrashPrefix(bundle)) return verifyPrefix(bundle, json);
  const trustedKey = key === undefined ? undefined : await readKey(key);
  const verification = await ((await isRollUp(bundle)) ? verifyRollUp : verifyBundle)(bundle, { trustedKey });
  const { report: _, ...facts } = verification;
  if (json) await printJson({ ok: verification.accepted, ...facts });
  else await printLine([...acceptance(verification, bundle), ...judgement(verification)].join('\n'));
  return verification.exitCode;
}

async function verifyPrefix(bundle: string, json: boolean): Promise<number> {
  const { report: found, said } = await prefixAt(bundle);
  const { verdict } = found;
  if (json) await printJson({ ok: false, accepted: false, crashPrefix: said, verdict, exitCode: verdict.exitCode });
  else await printLine([said, '', ...verdictLines(verdict)].join('\n'));
  return verdict.exitCode;
}

async function prefixAt(bundle: string): Promise<CrashPrefix> {
  try {
    return await readCrashPrefix(bundle);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    throw new Failure(`${bundle} cannot be read: ${error.message}`, EXIT_HARNESS);
  }
}

async function readKey(file: string): Promise<Uint8Array> {
  try {
    return await loadTrustedKey(file);
  } catch (error) {
    throw new Failure(codeOf(error) === 'ENOENT' ? `${file}: no such key file` : messageOf(error), EXIT_USAGE);
  }
}

function acceptance({ accepted, findings, signers, trusted }: Verification, bundle: string): string[] {
  if (!accepted) {
    const reasons = findings.map(({ code, file, message }) => `  ${code}${file === undefined ? '' : ` ${file}`}: ${message}`);
    return [`REFUSED ${bundle}`, ...reasons];
  }
  const who = signers.map(({ role, name, keyid }) => `  ${role} ${name} ${keyid}`);
  const whose = trusted ? 'the runner key is the one given' : 'whose keys these are is not checked: give --key';
  return [`accepted ${bundle}`, `signed by (${whose}):`, ...who, ''];
}

/** A bundle that is refused proves nothing: what it says is no verdict. */
function judgement({ accepted, verdict }: Verification): string[] {
  if (!verdict) return [];
  return accepted ? verdictLines(verdict) : ['', `it claims: ${verdict.outcome}: ${verdict.summary}`];
}

/** @throws Failure that names it */
export async function refuseUnlessFolder(bundle: string): Promise<void> {
  const found = await stat(bundle).catch((error: unknown) => {
    const absent = ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '');
    const { directory } = partialOf(resolve(bundle));
    const left = existsSync(directory) ? `; a run that goes on, or was killed, left ${directory}` : '';
    throw new Failure(absent ? `no such folder: ${bundle}${left}` : messageOf(error), EXIT_USAGE);
  });
  if (!found.isDirectory()) throw new Failure(`not a folder: ${bundle}`, EXIT_USAGE);
}

/** What a bundle says, once it is verified. @throws Failure when it is none, or refused */
export async function believedReport(bundle: string): Promise<ProofReport> {
  await refuseUnlessFolder(bundle);
  if (await isCrashPrefix(bundle)) throw new Failure(`${bundle} is no bundle: it holds what a run left that was killed`, EXIT_USAGE);
  return believed(bundle);
}

/** Of a folder that is no crash prefix. */
async function believed(bundle: string): Promise<ProofReport> {
  const { accepted, report: found, findings, exitCode } = await verifyBundle(bundle);
  if (!accepted || !found) throw new Failure(`${bundle} is refused: ${findings[0]?.message ?? 'no report'}; see: muster verify ${bundle}`, exitCode);
  return found;
}

/** As `believedReport`, or what a run says that was killed, which nobody signed. */
export async function reportOfRun(bundle: string): Promise<ProofReport> {
  await refuseUnlessFolder(bundle);
  return (await isCrashPrefix(bundle)) ? (await prefixAt(bundle)).report : believed(bundle);
}

export interface ReportRequest {
  readonly bundle: string;
  /** where to copy the HTML report */
  readonly out?: string | undefined;
  /** print nothing but the path of the HTML report */
  readonly openPath: boolean;
  readonly json: boolean;
}

/** Resolves with the exit code: 0 whatever the verdict, when the bundle can be believed. @throws Failure */
export async function report(request: ReportRequest): Promise<number> {
  const { bundle, out, openPath, json } = request;
  await refuseUnlessFolder(bundle);
  if (await isCrashPrefix(bundle)) return reportPrefix(request);
  const found = await believed(bundle);
  const html = resolve(bundle, join(...HTML.split('/')));
  if (out !== undefined) await writing(out, () => copyFile(html, out));
  if (openPath) await printLine(html);
  else if (json) await printJson(found);
  else await printLine([...reportLines(found), '', `HTML report: ${out ?? html}`].join('\n'));
  return 0;
}

/** Its page is written only where it is asked for: what is left behind stays as it is. */
async function reportPrefix({ bundle, out, openPath, json }: ReportRequest): Promise<number> {
  if (openPath && out === undefined) throw new Failure(`${bundle} holds no page; say where to write one with --out`, EXIT_USAGE);
  const { report: found, said, html } = await prefixAt(bundle);
  if (out !== undefined) await writing(out, () => writeFile(out, html()));
  if (openPath) await printLine(resolve(out!));
  else if (json) await printJson({ crashPrefix: said, ...found });
  else await printLine([said, '', ...reportLines(found), ...(out === undefined ? [] : ['', `HTML report: ${out}`])].join('\n'));
  return 0;
}

async function writing(to: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new Failure(`${to}: cannot write the report (${codeOf(error) ?? messageOf(error)})`, EXIT_USAGE);
  }
}
