/** `--baseline`: checks that are known to fail, by id, each with its reason. One that passes is stale, and red. */
import { readFile } from 'node:fs/promises';
import { codeOf, EXIT_USAGE, Failure, messageOf } from './failure.ts';

export interface ExpectedFailure {
  readonly check: string;
  readonly reason: string;
}

/** Reads `{"suite/scenario/check": "why it fails", …}`. @throws Failure that names the file and what is wrong in it */
export async function readBaseline(file: string): Promise<ExpectedFailure[]> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Failure(`--baseline ${file}: ${codeOf(error) === 'ENOENT' ? 'no such file' : messageOf(error)}`, EXIT_USAGE);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new Failure(`--baseline ${file}: expected an object of reasons by check id`, EXIT_USAGE);
  return Object.entries(content).map(([check, reason]: [string, unknown]) => {
    if (typeof reason === 'string' && reason.trim() !== '') return { check, reason };
    throw new Failure(`--baseline ${file}: ${check} has no reason`, EXIT_USAGE);
  });
}
