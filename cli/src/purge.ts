/** `muster purge`: deletes the data and the identity of one instance, and nothing else. */
import { existsSync } from 'node:fs';
import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type Config, InstanceLockedError, instancePaths, lockInstance } from '@muster/node/host';
import { serviceManager } from './autostart/service-manager.ts';
import { loadConfig } from './daemon-config.ts';
import { codeOf, Failure, messageOf } from './failure.ts';
import { findInstances, labelOf, nameFlag } from './instances.ts';
import { instanceState } from './instance-state.ts';
import { complain, printJson, printLine } from './output.ts';
import { ask, atTerminal } from './prompt.ts';

export interface PurgeRequest {
  readonly name: string | undefined;
  /** nobody needs to be asked */
  readonly yes: boolean;
  readonly json: boolean;
}

/** All that a daemon writes where it was told to by its configuration; whatever else lies there is not ours to delete. */
const DATA_FILES = [
  /^node\.sqlite(?:-wal|-shm|-journal)?$/u,
  /^instance\.(?:lock(?:-journal)?|pid)$/u,
  /^api(?:\.port|-token)$/u,
  /^musterd\.log(?:\.1)?$/u,
];
/** A key of the human, or of the runner of proofs, is not part of this identity. */
const IDENTITY_FILES = [/^(?:machine|agent|agent_kem)\.key$/u, /^\.creating$/u];

interface Plan {
  readonly doomed: readonly string[];
  readonly kept: readonly string[];
  /** go with the last of their files */
  readonly folders: readonly string[];
}

/** Resolves with the exit code. @throws Failure */
export async function purge({ name, yes, json }: PurgeRequest): Promise<number> {
  const config = await loadConfig({ name });
  const { dataDir, identityDir } = config;
  await refuseRunning(dataDir, name);
  await refuseShared(name, [dataDir, identityDir]);
  const plan = await planOf(name, config);
  if (plan.folders.length === 0) throw new Failure(`there is nothing of ${labelOf(name)} in ${dataDir} or ${identityDir}`);
  if (!json || !yes) for (const line of describe(plan, name)) complain(line);
  if (!yes) await confirm(name);
  await carryOut(plan, dataDir, name);
  if (json) await printJson({ ok: true, instance: labelOf(name), deleted: plan.doomed, kept: plan.kept });
  else await printLine(`${labelOf(name)} is deleted; its next start makes somebody new`);
  return 0;
}

async function refuseRunning(dataDir: string, name: string | undefined): Promise<void> {
  const { running, pid } = await instanceState(dataDir);
  if (running) throw new Failure(`the daemon of ${labelOf(name)} runs (pid ${pid}); first: muster stop${nameFlag(name)}`);
}

async function refuseShared(name: string | undefined, mine: readonly string[]): Promise<void> {
  for (const { name: other, config } of await findInstances()) {
    if (other === name) continue;
    const shared = [config.dataDir, config.identityDir].find((theirs) => mine.some((folder) => within(theirs, folder)));
    if (shared !== undefined) throw new Failure(`${shared} is also that of ${labelOf(other)}; give one of them a place of its own first`);
  }
}

async function planOf(name: string | undefined, { dataDir, identityDir, userKeyPath, charterPath }: Config): Promise<Plan> {
  const { configFile, dataDir: usual } = instancePaths(name);
  // They may have been put anywhere, also among what goes.
  const spared = [configFile, identityDir, userKeyPath, charterPath].filter((path) => path !== undefined);
  const doomed: string[] = [];
  const kept: string[] = existsSync(configFile) ? [configFile] : [];
  const folders: string[] = [];
  for (const [folder, known] of [
    [identityDir, IDENTITY_FILES],
    [dataDir, dataDir === usual ? [/./u] : DATA_FILES],
  ] as const) {
    const names = await contentOf(folder);
    if (names) folders.push(folder);
    for (const each of names ?? []) {
      const path = join(folder, each);
      const goes = known.some((pattern) => pattern.test(each)) && !spared.some((one) => within(one, path));
      (goes ? doomed : kept).push(path);
    }
  }
  return { doomed, kept: [...new Set(kept)], folders };
}

function within(path: string, folder: string): boolean {
  return path === folder || path.startsWith(join(folder, sep));
}

/** Names in a folder; `undefined` when there is none. @throws Failure for a link, which may lead to what is not ours */
async function contentOf(folder: string): Promise<string[] | undefined> {
  try {
    if (!(await lstat(folder)).isDirectory()) throw new Failure(`${folder} is not a directory of its own; delete by hand what it leads to`);
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function describe({ doomed, kept }: Plan, name: string | undefined): string[] {
  const service = serviceManager()?.file(name);
  const restarted = service !== undefined && existsSync(service);
  return [
    'this deletes, for ever:',
    ...doomed.map((path) => `  ${path}`),
    ...(kept.length > 0 ? ['and keeps:', ...kept.map((path) => `  ${path}`)] : []),
    ...(restarted ? [`autostart is on, and will make somebody new; to end it: muster autostart --remove${nameFlag(name)}`] : []),
  ];
}

async function confirm(name: string | undefined): Promise<void> {
  const word = name ?? 'default';
  if (!atTerminal()) throw new Failure('nothing was deleted; if you mean it, add --yes');
  if ((await ask(`type the name of the instance (${word}) to delete all this: `)).trim() !== word) throw new Failure('nothing was deleted');
}

/** Under the lock of the instance, so that no daemon starts on half of it. */
async function carryOut({ doomed, folders }: Plan, dataDir: string, name: string | undefined): Promise<void> {
  const lock = folders.includes(dataDir) ? take(dataDir, name) : undefined;
  const lockFile = join(dataDir, 'instance.lock');
  try {
    for (const path of doomed) if (path !== lockFile) await rm(path, { recursive: true, force: true });
    if (lock) await rm(lockFile, { force: true });
  } catch (error) {
    throw new Failure(`not all was deleted: ${messageOf(error)}`);
  } finally {
    lock?.[Symbol.dispose]();
  }
  // A folder in which something was kept stays.
  for (const folder of folders) await rmdir(folder).catch(() => undefined);
}

function take(dataDir: string, name: string | undefined): Disposable {
  try {
    return lockInstance(dataDir);
  } catch (error) {
    if (error instanceof InstanceLockedError) throw new Failure(`a daemon of ${labelOf(name)} has just been started; nothing was deleted`);
    throw new Failure(messageOf(error));
  }
}
