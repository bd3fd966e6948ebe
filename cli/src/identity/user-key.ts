/** `muster identity user-key`: a key for the human behind agents; no daemon makes one by itself. */
import { resolve } from 'node:path';
import { createKeyFile, instancePaths, nodeCrypto } from '@muster/node/host';
import { Failure, messageOf } from '../failure.ts';
import { printJson, printLine } from '../output.ts';
import { idOfSeed } from './key-files.ts';

const SEED_BYTES = 32;

/** Resolves with the exit code. @throws Failure */
export async function createUserKey({ name, file, json }: { name: string | undefined; file: string; json: boolean }): Promise<number> {
  const path = resolve(file);
  const seed = nodeCrypto().randomBytes(SEED_BYTES);
  const user = idOfSeed(seed);
  try {
    await createKeyFile(path, 'user', seed);
  } catch (error) {
    throw new Failure(messageOf(error));
  } finally {
    seed.fill(0);
  }
  const { configFile } = instancePaths(name);
  if (json) await printJson({ ok: true, file: path, user_id: user, config_key: 'user_key_path', config_file: configFile });
  else {
    await printLine(
      [
        `made the key of user ${user} in ${path}`,
        `to give an agent to this user, add to ${configFile} and start its daemon again:`,
        `  user_key_path = ${JSON.stringify(path)}`,
      ].join('\n'),
    );
  }
  return 0;
}
