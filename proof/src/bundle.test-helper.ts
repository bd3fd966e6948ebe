/** Test helper: one small real bundle, and everything a tamperer with or without keys can do to a copy of it. */
// oxlint-disable no-restricted-imports -- tests of bundles need files
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Attestation, attest, keyIdOf, nodeSignedBytes, type NodeSigner, type Signer, signerFromSeed } from './attestation.ts';
import {
  bagInfoText,
  bagInfoPath,
  attestationPath,
  attestedPaths,
  inputsPath,
  journalPath,
  manifestPath,
  manifestText,
  reportPath,
  taggedPaths,
  tagManifestPath,
} from './bundle-layout.ts';
import { digestOf, takeInventory, writeBundle } from './bundle.ts';
import { at } from './claim.ts';
import { claims } from './claims.ts';
import { TestJournal } from './journal.test-helper.ts';
import { Redactor } from './redaction.ts';
import { documentText, type ProofReport } from './report.ts';
import { proofStatement, testResultStatement } from './statements.ts';

export const runner = signerFromSeed(Buffer.alloc(32, 1));
export const stranger = signerFromSeed(Buffer.alloc(32, 2));
const alice = signerFromSeed(Buffer.alloc(32, 3));

export const aliceSigner: NodeSigner = {
  name: 'alice',
  publicKey: alice.publicKey,
  sign: (payload, context) => Promise.resolve(alice.sign(context === 'x0x.bundle-attestation.v1' ? nodeSignedBytes(payload) : payload)),
};

/** One check passes, one fails: the target answered 500. */
export function smallJournal(): TestJournal {
  const journal = new TestJournal().begin().world([{ name: 'alice', agentId: keyIdOf(alice.publicKey) }]);
  const health = journal.after(5).operation('alice', 'status.health', null, { type: 'ok', status: 200, output: { ok: true } });
  const card = journal.after(5).operation('alice', 'identity.card', null, { type: 'fail', status: 500 });
  journal.check('smoke/health/1', claims.equals(at(health, '/output/ok'), true), { status: 'pass' });
  journal.check('smoke/card/1', claims.status(card, 200), { status: 'fail' });
  return journal.finish();
}

export class Workshop implements AsyncDisposable {
  readonly folder: string;
  #copies = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Workshop> {
    return new Workshop(await mkdtemp(join(tmpdir(), 'muster-proof-')));
  }

  async bundle(journal = smallJournal(), nodes: readonly NodeSigner[] = [aliceSigner], redactor = new Redactor()): Promise<string> {
    this.#copies += 1;
    const directory = join(this.folder, `bundle-${this.#copies}`);
    const path = join(this.folder, `journal-${this.#copies}`);
    await writeFile(path, journal.text);
    await writeFile(join(this.folder, 'alice.log'), 'listening\n');
    await writeBundle({ directory, journal: path, logs: [{ name: 'alice.log', path: join(this.folder, 'alice.log') }], runner, nodes, redactor });
    return directory;
  }

  async copyOf(bundle: string): Promise<string> {
    this.#copies += 1;
    const copy = join(this.folder, `copy-${this.#copies}`);
    await cp(bundle, copy, { recursive: true });
    return copy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function edit(bundle: string, path: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(join(bundle, path), 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`the edit of ${path} changes nothing`);
  await writeFile(join(bundle, path), after);
}

export async function attestationOf(bundle: string): Promise<Attestation> {
  return JSON.parse(await readFile(join(bundle, attestationPath), 'utf8')) as Attestation;
}

/** Makes manifests and the oxum right again, as anyone can. */
export async function rehash(bundle: string): Promise<void> {
  const report = await recordedReport(bundle);
  const payload = new Map([...(await takeInventory(bundle)).files].filter(([path]) => path.startsWith('data/')));
  await writeFile(join(bundle, bagInfoPath), bagInfoText(report, payload.values()));
  await writeFile(join(bundle, manifestPath), manifestText(payload));
  await retag(bundle);
}

export async function retag(bundle: string): Promise<void> {
  const { files } = await takeInventory(bundle);
  const tagged = new Map(taggedPaths.flatMap((path) => (files.has(path) ? [[path, files.get(path)!] as const] : [])));
  await writeFile(join(bundle, tagManifestPath), manifestText(tagged));
}

async function recordedReport(bundle: string): Promise<ProofReport> {
  return JSON.parse(await readFile(join(bundle, reportPath), 'utf8')) as ProofReport;
}

/** Signs what the recorded report says, as the holder of a key can; node signatures are lost. */
export async function resign(bundle: string, signer: Signer): Promise<void> {
  await rehash(bundle);
  const report = await recordedReport(bundle);
  const { files } = await takeInventory(bundle);
  const subject = attestedPaths.map((path) => digestOf(path, files));
  const evidence = [journalPath, reportPath].map((path) => digestOf(path, files));
  const { attestation } = await attest({
    runner: signer,
    nodes: [],
    testResult: testResultStatement(subject, digestOf(inputsPath, files), report),
    proof: (signers) => proofStatement(subject, evidence, signers, report),
  });
  await writeFile(join(bundle, attestationPath), documentText(attestation));
  await retag(bundle);
}
