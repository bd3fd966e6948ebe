/** `muster identity import`: an instance without keys becomes the agent of an exported identity. */
import { existsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Config, createKeyFile, lockInstance, readKeyFile } from '@muster/node/host';
import { loadConfig } from '../daemon-config.ts';
import { codeOf, Failure, messageOf } from '../failure.ts';
import { labelOf } from '../instances.ts';
import { printJson, printLine } from '../output.ts';
import { idOfSeed, type KeyFile, keyFiles } from './key-files.ts';
import { passphraseOf } from './passphrase.ts';
import { checkSealed, type Seeds, SealError, unseal } from './sealed-keys.ts';

const MAX_BYTES = 64 * 1024;

export interface ImportRequest {
  readonly name: string | undefined;
  readonly file: string;
  readonly passphraseFile: string | undefined;
  readonly json: boolean;
}

/** Resolves with the exit code. @throws Failure */
export async function importIdentity({ name, file, passphraseFile, json }: ImportRequest): Promise<number> {
  const config = await loadConfig({ name });
  refusePresent(config, name);
  const source = resolve(file);
  const seeds = await unsealed(source, passphraseFile);
  const targets = [...keyFiles(config), ...(await userTarget(config, seeds))];
  using _ = await lock(config.dataDir);
  // Again, now that no daemon can make one.
  refusePresent(config, name);
  await place(targets, seeds);
  const agent = idOfSeed(seeds.agent!);
  const hint = targets.find(({ kind, path }) => kind === 'user' && path !== config.userKeyPath);
  if (json) await printJson({ ok: true, agent_id: agent, files: targets.map(({ path }) => path), user_key_path: hint?.path ?? null });
  else {
    const set = hint ? [`to be known as that user, set in the configuration: user_key_path = ${JSON.stringify(hint.path)}`] : [];
    await printLine([`${labelOf(name)} is now agent ${agent}`, ...set, 'see to it that no other daemon is this agent any more'].join('\n'));
  }
  return 0;
}

function refusePresent(config: Config, name: string | undefined): void {
  const present = keyFiles(config).find(({ path }) => existsSync(path));
  if (!present) return;
  throw new Failure(`${labelOf(name)} has an identity already: ${present.path} is there; import under another --name, or move the keys away`);
}

async function unsealed(source: string, passphraseFile: string | undefined): Promise<Seeds> {
  const text = await readText(source);
  try {
    checkSealed(text);
    const seeds = await unseal(text, await passphraseOf(source, passphraseFile));
    for (const kind of ['machine', 'agent', 'agent-kem'] as const) if (!seeds[kind]) throw new SealError(`it holds no ${kind} key`);
    return seeds;
  } catch (error) {
    throw error instanceof SealError ? new Failure(`${source}: ${error.message}`) : error;
  }
}

/** It is sealed, so its mode does not matter. */
async function readText(source: string): Promise<string> {
  try {
    await using handle = await open(source);
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    const { bytesRead } = await handle.read(bytes);
    if (bytesRead > MAX_BYTES) throw new Failure(`${source}: it is no exported identity`);
    return bytes.toString('latin1', 0, bytesRead);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(`${source}: cannot be read (${codeOf(error) ?? messageOf(error)})`);
  }
}

/** Where the key of the human goes; nowhere when it is there already. @throws Failure when another one is there */
async function userTarget({ identityDir, userKeyPath }: Config, { user }: Seeds): Promise<readonly KeyFile[]> {
  if (!user) return [];
  const path = userKeyPath ?? join(identityDir, 'user.key');
  if (!existsSync(path)) return [{ kind: 'user', path }];
  const present = await readKeyFile(path, 'user').catch((error: unknown) => {
    throw new Failure(messageOf(error));
  });
  if (Buffer.from(present).equals(user)) return [];
  throw new Failure(`${path} is the key of another user than the one in the file; move it away first`);
}

async function lock(dataDir: string): Promise<Disposable> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    return lockInstance(dataDir);
  } catch (error) {
    throw new Failure(messageOf(error));
  }
}

/** All or none. */
async function place(targets: readonly KeyFile[], seeds: Seeds): Promise<void> {
  const made: string[] = [];
  try {
    for (const { kind, path } of targets) {
      await createKeyFile(path, kind, seeds[kind]!);
      made.push(path);
    }
  } catch (error) {
    for (const path of made) await rm(path, { force: true });
    throw new Failure(`nothing was imported: ${messageOf(error)}`);
  }
}
