/** Bundles on disk: written whole or not at all, and listed without following anything out of them. */
import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream, type ReadStream } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { attest, keyIdOf, type NodeSigner, type Signer, sha256, type Unsigned } from './attestation.ts';
import {
  attestationPath,
  attestedPaths,
  bagInfoPath,
  bagInfoText,
  bagitPath,
  bagitText,
  derivedDocuments,
  type FileFacts,
  folders,
  inputsPath,
  journalPath,
  logFolder,
  logName,
  manifestPath,
  manifestText,
  reportPath,
  taggedPaths,
  tagManifestPath,
} from './bundle-layout.ts';
import { evaluate } from './evaluate.ts';
import { readJournalFile } from './journal-file.ts';
import type { JournalLine } from './journal.ts';
import { wholeLines } from './journal-reader.ts';
import { Redactor } from './redaction.ts';
import { documentText, isAgentOf, type ProofReport, reportOf } from './report.ts';
import { type FileDigest, proofStatement, testResultStatement } from './statements.ts';

const readAt = 256 * 1024;

export interface BundleInput {
  /** where it will stand; must not exist */
  readonly directory: string;
  /** the run's journal; a torn last line is left out, and the run counts as cut short */
  readonly journal: string;
  /** node logs, to `data/logs/<name>` */
  readonly logs?: readonly { readonly name: string; readonly path: string }[];
  readonly runner: Signer;
  readonly nodes?: readonly NodeSigner[];
  /** knows every secret of the run; what it finds is written as `[secret]` */
  readonly redactor?: Redactor;
}

export interface WrittenBundle {
  readonly directory: string;
  readonly report: ProofReport;
  /** nodes that did not sign, and why */
  readonly unsigned: readonly Unsigned[];
}

/** Lines of the evidence in a bundle, many at a time. @throws JournalError */
export function readBundleJournal(directory: string): AsyncGenerator<readonly JournalLine[], void, undefined> {
  return readJournalFile(join(directory, journalPath));
}

/** Builds the bundle beside its place, synchronises it to disk and moves it there. @throws JournalError, and Error when the place is taken */
export async function writeBundle(input: BundleInput): Promise<WrittenBundle> {
  const { directory } = input;
  if (await exists(directory)) throw new Error(`${directory} is there already; name another place for the bundle`);
  const partial = join(dirname(directory), `.${basename(directory)}.${randomBytes(6).toString('hex')}.partial`);
  try {
    for (const folder of folders) await mkdir(join(partial, folder), { recursive: true });
    const written = await fill(partial, input);
    for (const folder of [...folders.toReversed(), '.']) await syncFolder(join(partial, folder));
    await rename(partial, directory);
    await syncFolder(dirname(directory));
    return { directory, ...written };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function fill(root: string, input: BundleInput): Promise<Omit<WrittenBundle, 'directory'>> {
  const { runner, nodes = [], logs = [], redactor = new Redactor() } = input;
  const files = new Map<string, FileFacts>();
  const put = async (path: string, content: string | Uint8Array) => {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    await writeSynced(join(root, path), (file) => file.writeFile(bytes));
    files.set(path, { sha256: sha256(bytes), size: bytes.length });
  };

  files.set(journalPath, await copyJournal(input.journal, join(root, journalPath), redactor));
  for (const { name, path } of logs) {
    if (!logName.test(name)) throw new RangeError(`${name} cannot name a log: letters, digits, ".", "_" and "-" only`);
    await put(`${logFolder}/${name}`, redactor.bytes(await readFile(path)));
  }
  const evaluated = await evaluate(() => readBundleJournal(root));
  const report = reportOf(evaluated);
  for (const [path, text] of derivedDocuments(report, evaluated)) await put(path, text);

  const payload = new Map(files);
  await put(bagitPath, bagitText);
  await put(bagInfoPath, bagInfoText(report, payload.values()));
  await put(manifestPath, manifestText(payload));

  const digests = (paths: readonly string[]) => paths.map((path) => digestOf(path, files));
  const subject = digests(attestedPaths);
  const strangers = nodes.filter(({ name, publicKey }) => !isAgentOf(report, name, keyIdOf(publicKey)));
  const { attestation, unsigned } = await attest({
    runner,
    nodes: nodes.filter((node) => !strangers.includes(node)),
    testResult: testResultStatement(subject, digestOf(inputsPath, files), report),
    proof: (signers) => proofStatement(subject, digests([journalPath, reportPath]), signers, report),
  });
  await put(attestationPath, documentText(attestation));
  await put(tagManifestPath, manifestText(new Map(taggedPaths.map((path) => [path, files.get(path)!]))));
  return { report, unsigned: [...strangers.map(({ name }) => ({ name, reason: 'its key is not that of its agent in the journal' })), ...unsigned] };
}

export function digestOf(path: string, files: ReadonlyMap<string, FileFacts>): FileDigest {
  return { name: path, digest: { sha256: files.get(path)?.sha256 ?? '' } };
}

/** Whole lines only. A secret that became known after a line was written is taken out here. */
async function copyJournal(from: string, to: string, redactor: Redactor): Promise<FileFacts> {
  const hash = createHash('sha256');
  let size = 0;
  await writeSynced(to, async (file) => {
    for await (const { bytes, whole } of wholeLines(createReadStream(from, { highWaterMark: readAt }))) {
      if (!whole) break;
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
      const clean = redactor.findsIn(text) ? Buffer.from(withoutSecrets(text, redactor), 'utf8') : bytes;
      hash.update(clean);
      size += clean.length;
      await file.writeFile(clean);
    }
  });
  return { sha256: hash.digest('hex'), size };
}

function withoutSecrets(lines: string, redactor: Redactor): string {
  const clean = (line: string) => (redactor.findsIn(line) ? JSON.stringify(redactor.json(JSON.parse(line))) : line);
  return lines.split('\n').map(clean).join('\n'); // prettier-ignore
}

async function writeSynced(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Files other than the journal and logs are read whole; none may be larger. */
const largestDocument = 256 * 1024 * 1024;
const mostFiles = 10_000;

export interface Inventory {
  readonly files: ReadonlyMap<string, FileFacts>;
  /** contents of all but the journal and logs */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** links, devices, strange folders, files too large or too many: paths with what is wrong */
  readonly strange: readonly { readonly path: string; readonly problem: string }[];
}

/** Lists and hashes a bundle. Follows no link inside it. @throws ENOENT, ENOTDIR when there is no folder */
export async function takeInventory(directory: string): Promise<Inventory> {
  const files = new Map<string, FileFacts>();
  const contents = new Map<string, Buffer>();
  const strange: { path: string; problem: string }[] = [];
  for (const folder of ['', ...folders]) {
    if (folder !== '' && !(await isFolder(join(directory, folder)))) continue;
    for (const entry of await readdir(join(directory, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!folders.includes(path)) strange.push({ path, problem: 'a folder that no bundle has' });
      } else if (!entry.isFile()) strange.push({ path, problem: 'not a regular file' });
      else if (files.size >= mostFiles) return { files, contents, strange: [...strange, { path, problem: `more than ${mostFiles} files` }] };
      else {
        const streamed = path === journalPath || folder === logFolder;
        const problem = await takeFile(join(directory, path), path, files, streamed ? undefined : contents);
        if (problem) strange.push({ path, problem });
      }
    }
  }
  return { files, contents, strange };
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isDirectory() ?? false;
}

async function takeFile(
  absolute: string,
  path: string,
  files: Map<string, FileFacts>,
  contents: Map<string, Buffer> | undefined,
): Promise<string | undefined> {
  const hash = createHash('sha256');
  const kept: Buffer[] = [];
  let size = 0;
  for await (const chunk of openBundleFile(absolute) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
    if (!contents) continue;
    if (size > largestDocument) return `over ${largestDocument} bytes`;
    kept.push(chunk);
  }
  files.set(path, { sha256: hash.digest('hex'), size });
  contents?.set(path, Buffer.concat(kept));
  return undefined;
}

/** A file of a bundle, link or FIFO refused. */
export function openBundleFile(path: string): ReadStream {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node takes the numeric flags of open(2); its types only know the words
  const flags = (constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK) as unknown as string;
  return createReadStream(path, { flags, highWaterMark: 256 * 1024 });
}
