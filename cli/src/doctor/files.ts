/** The files of an instance: there, whole, and nobody else's business. */
import { constants, type Stats } from 'node:fs';
import { access, lstat, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type KeyKind, readKeyFile } from '@muster/node/host';
import { codeOf, messageOf } from '../failure.ts';
import { keyFiles } from '../identity/key-files.ts';
import { gravest, ok, type Patient, problem, problemOf, type Verdict, warning } from './finding.ts';

const MIB = 1024 * 1024;
const LEAST_FREE_BYTES = 64 * MIB;
const ENOUGH_FREE_BYTES = 512 * MIB;

export async function checkConfig({ config, configFile, configError }: Patient): Promise<Verdict> {
  if (configError !== undefined) return problem(configError, 'until then the other checks assume the defaults');
  if ((await statOf(configFile)) === undefined) return ok(`${configFile} is not there: defaults`);
  const [unknown, ...more] = config.unknownKeys;
  if (unknown !== undefined) {
    return warning(`${configFile}: nothing is known of ${[unknown, ...more].join(', ')}`, 'correct or remove what is mistyped: it has no effect');
  }
  return ok(`${configFile}, network ${JSON.stringify(config.networkName)}`);
}

export async function checkDataDir({ config: { dataDir } }: Patient): Promise<Verdict> {
  const found = await statOf(dataDir);
  if (!found) {
    const parent = await nearestExisting(dataDir);
    return gravest(ok(`${dataDir} is not there yet: made at the first start`), await writable(parent), await space(parent));
  }
  if (!found.isDirectory()) return problem(`${dataDir} is not a directory`, 'move it away, or set data_dir');
  return gravest(ok(dataDir), await writable(dataDir), privacy(dataDir, found), await space(dataDir));
}

async function writable(folder: string): Promise<Verdict> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return ok(folder);
  } catch (error) {
    return problem(`${folder} cannot be written (${codeOf(error)})`, 'make it writable, or set data_dir');
  }
}

function privacy(folder: string, { uid, mode }: Stats): Verdict {
  const own = process.geteuid?.();
  if (own === undefined) return ok(folder);
  if (uid !== own) return problem(`${folder} belongs to user ${uid}, not to ${own}`, 'run as that user, or correct its owner');
  if (mode & 0o022) return problem(`${folder} can be changed by others`, `run: chmod 700 ${folder}`);
  if (mode & 0o077) return warning(`${folder} is open to others`, `run: chmod 700 ${folder}`);
  return ok(folder);
}

async function space(folder: string): Promise<Verdict> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return judgeSpace(folder, bavail * bsize);
  } catch (error) {
    return warning(`the free space of ${folder} is not known (${codeOf(error) ?? messageOf(error)})`);
  }
}

export function judgeSpace(folder: string, freeBytes: number): Verdict {
  const message = `only ${Math.floor(freeBytes / MIB)} MiB are free for ${folder}`;
  if (freeBytes < LEAST_FREE_BYTES) return problem(message, 'free some space: without it nothing can be acknowledged');
  return freeBytes < ENOUGH_FREE_BYTES ? warning(message, 'free some space') : ok(folder);
}

export async function checkIdentity({ config, agentId }: Patient): Promise<Verdict> {
  const { identityDir, userKeyPath } = config;
  const files = keyFiles(config);
  const present = await Promise.all(files.map(({ path }) => statOf(path)));
  const user = userKeyPath === undefined ? ok('no user key') : await readable(userKeyPath, 'user');
  if (present.every((found) => found === undefined)) return gravest(ok(`none in ${identityDir} yet: made at the first start`), user);
  if (present.includes(undefined) && (await statOf(join(identityDir, '.creating')))) {
    return warning(`${identityDir}: the first start was interrupted`, 'the next start completes the identity');
  }
  const folder = await stat(identityDir);
  const keys = await Promise.all(files.map(({ path, kind }) => readable(path, kind)));
  return gravest(ok(`agent ${agentId} in ${identityDir}`), ...keys, user, folder.mode & 0o022 ? privacy(identityDir, folder) : ok(identityDir));
}

async function readable(file: string, kind: KeyKind): Promise<Verdict> {
  try {
    (await readKeyFile(file, kind)).fill(0);
    return ok(file);
  } catch (error) {
    const verdict = problemOf(error);
    return { ...verdict, advice: verdict.advice ?? `restore your copy of ${file}` };
  }
}

export async function checkHostDirectory({ config: { hostDirectory } }: Patient): Promise<Verdict> {
  const found = await statOf(hostDirectory);
  if (!found) return ok(`${hostDirectory} is not there yet: made at the first start`);
  const alone = 'until then instances on this host will not find each other; or set host_directory';
  if (!found.isDirectory()) return problem(`${hostDirectory} is not a directory`, `move it away: ${alone}`);
  const verdict = privacy(hostDirectory, found);
  return verdict.status === 'ok' ? verdict : problem(verdict.message, `${verdict.advice}; ${alone}`);
}

/** `undefined` when there is nothing; a link counts as what it is. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function nearestExisting(path: string): Promise<string> {
  let folder = dirname(path);
  while (folder !== dirname(folder) && (await statOf(folder)) === undefined) folder = dirname(folder);
  return folder;
}
