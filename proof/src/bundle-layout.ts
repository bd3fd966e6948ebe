/** What stands where in a bundle (BagIt, RFC 8493), and the text of every file that follows from others. */
import { ctrfOf } from './ctrf.ts';
import type { Evaluated } from './evaluate.ts';
import { junitOf } from './junit.ts';
import { bundleFormat, documentText, inputsOf, type ProofReport, worldOf } from './report.ts';
import { reportHtml } from './report-html.ts';

export const journalPath = 'data/journal.jsonl';
export const inputsPath = 'data/inputs.json';
export const reportPath = 'data/proof-report.json';
export const logFolder = 'data/logs';
export const manifestPath = 'manifest-sha256.txt';
export const tagManifestPath = 'tagmanifest-sha256.txt';
export const bagitPath = 'bagit.txt';
export const bagInfoPath = 'bag-info.txt';
export const attestationPath = 'attestation.dsse.json';

/** The statements are about these; the tag manifest covers them and the attestation. */
export const attestedPaths: readonly string[] = [bagInfoPath, bagitPath, manifestPath];
export const taggedPaths: readonly string[] = [attestationPath, ...attestedPaths];
export const folders: readonly string[] = ['data', logFolder];

/** A log's file name: letters, digits, `.`, `_`, `-`; not beginning with a dot; at most 128. */
export const logName: RegExp = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

export const bagitText = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n';

export interface FileFacts {
  readonly sha256: string;
  /** bytes */
  readonly size: number;
}

/** One line per file, in the order of their paths. */
export function manifestText(files: ReadonlyMap<string, Pick<FileFacts, 'sha256'>>): string {
  const paths = [...files.keys()].toSorted();
  return paths.map((path) => `${files.get(path)!.sha256}  ${path}\n`).join('');
}

/** Path → SHA-256, or `undefined` when it is not a manifest that `manifestText` could have written. */
export function parseManifest(text: string): Map<string, string> | undefined {
  const files = new Map<string, string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [, sha256, path] = /^([0-9a-f]{64}) {2}([A-Za-z0-9._/-]{1,256})$/.exec(line) ?? [];
    if (sha256 === undefined || path === undefined || path.split('/').includes('..')) return undefined;
    files.set(path, sha256);
  }
  const again = manifestText(new Map([...files].map(([path, sha256]) => [path, { sha256 }])));
  return again === text ? files : undefined;
}

export function bagInfoText({ run }: ProofReport, payload: Iterable<FileFacts>): string {
  const sizes = [...payload].map(({ size }) => size);
  const octets = sizes.reduce((sum, size) => sum + size, 0);
  const entries: [string, string][] = [
    ['Bag-Software-Agent', run ? `${run.tool.name} ${run.tool.version}` : 'muster'],
    ['Bagging-Date', run?.startedAt.slice(0, 10) ?? '1970-01-01'],
    ['External-Identifier', run?.runId ?? 'unknown'],
    ['Muster-Bundle-Format', String(bundleFormat)],
    ['Payload-Oxum', `${octets}.${sizes.length}`],
  ];
  return entries.map(([label, value]) => `${label}: ${value.replace(/\s+/g, ' ')}\n`).join('');
}

/** Every document that is a function of the journal. */
export function derivedDocuments(report: ProofReport, evaluated: Pick<Evaluated, 'picture' | 'shown'>): ReadonlyMap<string, string> {
  return new Map([
    [inputsPath, documentText(inputsOf(report))],
    ['data/world.json', documentText(worldOf(report))],
    [reportPath, documentText(report)],
    ['data/ctrf.json', documentText(ctrfOf(report))],
    ['data/junit.xml', junitOf(report)],
    ['data/report.html', reportHtml(report, evaluated)],
  ]);
}
