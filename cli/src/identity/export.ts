/** `muster identity export`: the keys of an instance in one file, sealed with a passphrase. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecret, type KeyKind, readKeyFile } from '@muster/node/host';
import { loadConfig } from '../daemon-config.ts';
import { Failure, messageOf } from '../failure.ts';
import { labelOf } from '../instances.ts';
import { printJson, printLine } from '../output.ts';
import { idOfSeed, keyFiles } from './key-files.ts';
import { newPassphrase } from './passphrase.ts';
import { seal, type Seeds } from './sealed-keys.ts';

export interface ExportRequest {
  readonly name: string | undefined;
  readonly file: string;
  readonly passphraseFile: string | undefined;
  readonly json: boolean;
}

/** Resolves with the exit code. @throws Failure */
export async function exportIdentity({ name, file, passphraseFile, json }: ExportRequest): Promise<number> {
  const config = await loadConfig({ name });
  const sources = [...keyFiles(config), ...(config.userKeyPath === undefined ? [] : [{ kind: 'user' as const, path: config.userKeyPath }])];
  if (sources.every(({ path }) => !existsSync(path))) throw new Failure(`${labelOf(name)} has no identity yet: ${config.identityDir} is empty`);
  const target = resolve(file);
  // Before anything is typed; the file is made exclusively anyway.
  if (existsSync(target)) throw new Failure(`${target} exists already; move it away first`);
  const seeds: Partial<Record<KeyKind, Uint8Array>> = {};
  for (const { kind, path } of sources) seeds[kind] = await read(path, kind);
  const agent = idOfSeed(seeds.agent!);
  const passphrase = await newPassphrase(passphraseFile);
  await write(target, seeds, passphrase);
  const keys = sources.map(({ kind }) => kind);
  if (json) await printJson({ ok: true, file: target, agent_id: agent, keys });
  else {
    await printLine(
      `exported agent ${agent} to ${target} (${keys.join(', ')})\n` +
        'whoever has this file and its passphrase can be this agent; two daemons must not be it at the same time',
    );
  }
  return 0;
}

async function read(path: string, kind: KeyKind): Promise<Uint8Array> {
  try {
    return await readKeyFile(path, kind);
  } catch (error) {
    throw new Failure(messageOf(error));
  }
}

async function write(target: string, seeds: Seeds, passphrase: string): Promise<void> {
  try {
    await createSecret(target, Buffer.from(await seal(seeds, passphrase)));
  } catch (error) {
    throw new Failure(messageOf(error));
  } finally {
    for (const seed of Object.values(seeds)) seed.fill(0);
  }
}
