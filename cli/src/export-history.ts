/** `muster export`: the history of a bundle, for checkers that others wrote. */
import { open } from 'node:fs/promises';
import { EdnHistory, readBundleJournal } from '@muster/proof';
import { believedReport } from './bundle-commands.ts';
import { codeOf, EXIT_USAGE, Failure, messageOf } from './failure.ts';
import { print } from './output.ts';

export interface ExportRequest {
  readonly bundle: string;
  /** standard output when not given */
  readonly out?: string | undefined;
}

/** Resolves with 0. @throws Failure */
export async function exportHistory({ bundle, out }: ExportRequest): Promise<number> {
  await believedReport(bundle);
  await using file = out === undefined ? undefined : await newFile(out);
  const history = new EdnHistory();
  for await (const lines of readBundleJournal(bundle)) {
    const text = lines.map((line) => history.line(line)).join('');
    await (file ? file.writeFile(text) : print(text));
  }
  return 0;
}

async function newFile(path: string) {
  try {
    return await open(path, 'wx');
  } catch (error) {
    throw new Failure(`${path}: ${codeOf(error) === 'EEXIST' ? 'is there already' : messageOf(error)}`, EXIT_USAGE);
  }
}
