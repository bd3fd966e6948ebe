/** The key that signs what this user proves. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { instancePaths } from '@muster/node/host';
import { loadRunnerKey, publicKeyText, RunnerKeyError, type Signer } from '@muster/proof';
import { codeOf, EXIT_USAGE, Failure, messageOf } from './failure.ts';

/** Made at the first run; its public half stands beside it, for those who verify. @throws Failure */
export async function runnerKey(): Promise<{ signer: Signer; publicFile: string }> {
  try {
    return await loaded();
  } catch (error) {
    if (error instanceof RunnerKeyError || codeOf(error) !== undefined) throw new Failure(messageOf(error), EXIT_USAGE);
    throw error;
  }
}

async function loaded(): Promise<{ signer: Signer; publicFile: string }> {
  const folder = instancePaths(undefined).identityDir;
  const signer = await loadRunnerKey(join(folder, 'runner.key'));
  const publicFile = join(folder, 'runner.pub');
  await writeFile(publicFile, publicKeyText(signer.publicKey));
  return { signer, publicFile };
}
