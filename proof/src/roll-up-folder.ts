/** A roll-up on disk: whole bundles side by side, what they come to, and the runner's signature over all of it. */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Envelope, envelope, envelopeProblems, envelopeSchema, type AttestationKey, keyIdOf, keyOf, keySchema, type Signer, sha256 } from './attestation.ts'; // prettier-ignore
import { tagManifestPath } from './bundle-layout.ts';
import { documentText } from './report.ts';
import { type Part, type RollUp, rollUpOf } from './roll-up.ts';
import { rollUpStatement } from './statements.ts';
import { refusedExitCode } from './verdict.ts';
import { type Finding, type Verification, verifyBundle, type VerifyOptions } from './verify.ts';

const bundlesFolder = 'bundles';
const reportName = 'proof-report.json';
const signatureName = 'roll-up.dsse.json';
/** A bundle's folder in a roll-up: letters, digits, `.`, `_`, `-`. */
const partName = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
const mostBundles = 1_000;

/** A bundle cannot become part of a roll-up. */
export class RollUpError extends Error {
  override readonly name = 'RollUpError';
}

export interface RollUpInput {
  /** where it will stand; must not exist */
  readonly directory: string;
  /** folders of bundles; they are copied */
  readonly bundles: readonly string[];
  readonly runner: Signer;
}

/** Verifies every bundle, copies them, and signs what they come to. @throws RollUpError for one that is refused, or there twice */
export async function writeRollUp({ directory, bundles, runner }: RollUpInput): Promise<RollUp> {
  if (bundles.length === 0 || bundles.length > mostBundles) throw new RollUpError(`1 to ${mostBundles} bundles, not ${bundles.length}`);
  const partial = join(dirname(directory), `.${basename(directory)}.${randomBytes(6).toString('hex')}.partial`);
  try {
    await mkdir(join(partial, bundlesFolder), { recursive: true });
    const seen = new Map<string, string>();
    for (const [index, bundle] of bundles.entries()) {
      const name = nameOf(bundle, index);
      await cp(bundle, join(partial, bundlesFolder, name), { recursive: true, verbatimSymlinks: true });
      const { part, findings } = await readPart(partial, name, {});
      if (!part) throw new RollUpError(`${bundle} is refused: ${findings[0]?.message ?? 'no report'}`);
      // On virtual time the seed makes the id: what was asked tells the suites of one seed apart.
      const { runId = '', reproduce = '' } = part.report.run ?? {};
      const which = `${runId} ${reproduce}`;
      if (seen.has(which)) throw new RollUpError(`${bundle} is of the same run as ${seen.get(which)}`);
      seen.set(which, bundle);
    }
    const parts = await Promise.all((await readdir(join(partial, bundlesFolder))).map((name) => readPart(partial, name, {})));
    const rollUp = rollUpOf(parts.map(({ part }) => part!));
    const text = documentText(rollUp);
    await writeFile(join(partial, reportName), text);
    const signed = { key: keyOf('runner', 'runner', runner.publicKey), envelope: envelope(statementOf(rollUp, text), runner) };
    await writeFile(join(partial, signatureName), documentText(signed));
    await rename(partial, directory);
    return rollUp;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** In the order in which they were given, and recognisable. */
function nameOf(bundle: string, index: number): string {
  const given = basename(bundle).replace(/[^A-Za-z0-9._-]/g, '-');
  return `${String(index + 1).padStart(3, '0')}-${given}`.slice(0, 128);
}

function statementOf(rollUp: RollUp, text: string): Uint8Array {
  const bundles = rollUp.bundles.map(({ name, digest }) => ({ name: `${bundlesFolder}/${name}/${tagManifestPath}`, digest: { sha256: digest } }));
  return rollUpStatement([{ name: reportName, digest: { sha256: sha256(Buffer.from(text, 'utf8')) } }, ...bundles], rollUp.verdict);
}

async function readPart(directory: string, name: string, options: VerifyOptions): Promise<{ part?: Part; findings: readonly Finding[] }> {
  const root = join(directory, bundlesFolder, name);
  const { accepted, report, findings } = await verifyBundle(root, options);
  if (!accepted || !report) return { findings };
  return { part: { name, digest: sha256(await readFile(join(root, tagManifestPath))), report }, findings };
}

export async function isRollUp(directory: string): Promise<boolean> {
  const names: string[] = await readdir(directory).catch(() => []);
  return names.includes(signatureName) && names.includes(bundlesFolder);
}

/** Verifies every bundle, applies the rules again, and checks the signature. `trustedKey`: the runner must have signed the roll-up and each bundle with it. */
export async function verifyRollUp(directory: string, options: VerifyOptions = {}): Promise<Verification> {
  const findings: Finding[] = [];
  const names = await readdir(directory);
  for (const name of names)
    if (![bundlesFolder, reportName, signatureName].includes(name)) findings.push({ code: 'added-file', file: name, message: 'in no roll-up' });
  const parts: Part[] = [];
  for (const entry of await readdir(join(directory, bundlesFolder), { withFileTypes: true })) {
    const { name } = entry;
    if (!entry.isDirectory() || !partName.test(name) || parts.length >= mostBundles) {
      findings.push({ code: 'irregular-file', file: `${bundlesFolder}/${name}`, message: 'not a bundle’s folder' });
      continue;
    }
    const read = await readPart(directory, name, options);
    findings.push(...read.findings.map((finding) => ({ ...finding, file: [bundlesFolder, name, finding.file].filter(Boolean).join('/') })));
    if (read.part) parts.push(read.part);
  }
  const rollUp = rollUpOf(parts);
  const text = documentText(rollUp);
  if ((await textOf(join(directory, reportName))) !== text)
    findings.push({ code: 'document-does-not-follow', file: reportName, message: 'differs from what the bundles give' });
  const signature = readSignature(await textOf(join(directory, signatureName)));
  const problems = typeof signature === 'string' ? [signature] : signatureProblems(signature, statementOf(rollUp, text));
  findings.push(...problems.map((message) => ({ code: 'bad-signature' as const, file: signatureName, message })));
  const key = typeof signature === 'string' ? undefined : signature.key;
  const trusted = options.trustedKey !== undefined && key?.keyid === keyIdOf(options.trustedKey) && problems.length === 0;
  if (options.trustedKey && key?.keyid !== keyIdOf(options.trustedKey))
    findings.push({ code: 'wrong-key', file: signatureName, message: 'not signed by the key given' });
  const accepted = findings.length === 0;
  const signers = key && problems.length === 0 ? [{ role: key.role, name: key.name, keyid: key.keyid }] : [];
  return { accepted, findings, verdict: rollUp.verdict, signers, trusted, exitCode: accepted ? rollUp.verdict.exitCode : refusedExitCode };
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

interface Signed {
  readonly key: AttestationKey;
  readonly envelope: Envelope;
}

function readSignature(text: string | undefined): Signed | string {
  try {
    const { key, envelope: signed, ...rest } = JSON.parse(text ?? '') as Record<string, unknown>;
    const parsed = { key: keySchema.parse(key), envelope: envelopeSchema.parse(signed) };
    return Object.keys(rest).length === 0 && documentText(parsed) === text ? parsed : 're-serialised';
  } catch {
    return 'not a signature';
  }
}

function signatureProblems({ key, envelope: signed }: Signed, statement: Uint8Array): string[] {
  const raw = Buffer.from(key.publicKey, 'base64');
  const problems = envelopeProblems(signed, [key]);
  if (key.role !== 'runner' || keyIdOf(raw) !== key.keyid) problems.push(`the key is not ${key.keyid}`);
  if (!Buffer.from(signed.payload, 'base64').equals(Buffer.from(statement))) problems.push('signs something else than these bundles');
  return problems;
}
