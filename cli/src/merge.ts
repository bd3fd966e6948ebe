/** `muster merge`: the shards of a run, or the suites of a release, under one verdict. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { RollUpError, writeRollUp } from '@muster/proof';
import { refuseUnlessFolder } from './bundle-commands.ts';
import { codeOf, EXIT_USAGE, Failure, messageOf } from './failure.ts';
import { printJson, printLine } from './output.ts';
import { shellWord } from './reproduce.ts';
import { runnerKey } from './runner-key.ts';
import { verdictLines } from './verdict-text.ts';

export interface MergeRequest {
  readonly bundles: readonly string[];
  readonly out: string;
  readonly json: boolean;
}

/** Resolves with the exit code of the verdict of all together. @throws Failure */
export async function merge({ bundles, out, json }: MergeRequest): Promise<number> {
  const directory = resolve(out);
  if (existsSync(directory)) throw new Failure(`${directory} is there already; name another place with --out`, EXIT_USAGE);
  await Promise.all(bundles.map(refuseUnlessFolder));
  const runner = await runnerKey();
  const { verdict } = await writeRollUp({ directory, bundles, runner: runner.signer }).catch((error: unknown) => {
    if (error instanceof RollUpError || codeOf(error) !== undefined) throw new Failure(messageOf(error), EXIT_USAGE);
    throw error;
  });
  const verifyLine = `muster verify ${shellWord(directory)} --key ${shellWord(runner.publicFile)}`;
  if (json) await printJson({ ok: verdict.exitCode === 0, verdict, rollUp: directory, verify: verifyLine });
  else await printLine([...verdictLines(verdict), '', `roll-up: ${directory}`, `verify: ${verifyLine}`].join('\n'));
  return verdict.exitCode;
}
