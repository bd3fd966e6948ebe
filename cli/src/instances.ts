/** The instances of this user on this machine. */
import { access, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Config, INSTANCE_NAME, instancePaths, readKeyFile, splitHostPort } from '@muster/node/host';
import { loadConfigOrDefaults } from './daemon-config.ts';
import { codeOf } from './failure.ts';
import { idOfSeed } from './identity/key-files.ts';
import { instanceState } from './instance-state.ts';

export interface Instance {
  /** as `--name` takes it */
  readonly name: string | undefined;
  /** the defaults when its file cannot be used, which `configError` says */
  readonly config: Config;
  readonly configError: string | undefined;
  readonly running: boolean;
  /** of the daemon that runs, or of one that was killed */
  readonly pid: number | undefined;
  /** `host:port` of the API of the daemon that runs */
  readonly address: string | undefined;
  /** hex; undefined when it has no key that can be read */
  readonly agentId: string | undefined;
}

/** How people see the name of an instance. */
export const labelOf = (name: string | undefined): string => name ?? '(default)';

/** What a command line needs to mean this instance. */
export const nameFlag = (name: string | undefined): string => (name === undefined ? '' : ` --name ${name}`);

/** Every instance with a configuration, data or keys at its default place; running or not. */
export async function findInstances(): Promise<Instance[]> {
  const { configFile, dataDir, identityDir } = instancePaths(undefined);
  const places = [
    { folder: dataDir, holding: '.' },
    { folder: dirname(configFile), holding: basename(configFile) },
    { folder: identityDir, holding: 'agent.key' },
  ];
  const names = (await Promise.all(places.map(({ folder, holding }) => namesBeside(folder, holding)))).flat();
  // The default one first: `toSorted` would put it last, whatever it is told.
  const named = [...new Set(names)].filter((name) => name !== undefined).toSorted((a, b) => a.localeCompare(b));
  const unique = [...(names.includes(undefined) ? [undefined] : []), ...named];
  return Promise.all(unique.map((name) => inspectInstance(name)));
}

/** `file`: another configuration than the instance's own; must exist. Throws `ConfigError` for a bad name. */
export async function inspectInstance(name: string | undefined, file?: string): Promise<Instance> {
  const { config, error } = await loadConfigOrDefaults({ name, file });
  const [{ running, pid }, address, agentId] = await Promise.all([
    instanceState(config.dataDir),
    readPort(join(config.dataDir, 'api.port')),
    readAgentId(config.identityDir),
  ]);
  return {
    name,
    config,
    configError: error,
    running,
    pid,
    // A killed daemon leaves its address behind, a full disk half of one.
    address: running && splitHostPort(address ?? '') ? address : undefined,
    agentId,
  };
}

/** Of `folder` itself and of its siblings `folder-NAME`, those that hold the file. */
async function namesBeside(folder: string, holding: string): Promise<(string | undefined)[]> {
  const siblings = await readdir(dirname(folder)).catch((error: unknown): string[] => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const found = siblings.flatMap((sibling): { sibling: string; name: string | undefined }[] => {
    if (sibling === basename(folder)) return [{ sibling, name: undefined }];
    const name = sibling.startsWith(`${basename(folder)}-`) ? sibling.slice(basename(folder).length + 1) : '';
    return INSTANCE_NAME.test(name) ? [{ sibling, name }] : [];
  });
  const held = await Promise.all(found.map(({ sibling }) => exists(join(dirname(folder), sibling, holding))));
  return found.filter((_, index) => held[index]).map(({ name }) => name);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function readAgentId(identityDir: string): Promise<string | undefined> {
  try {
    return idOfSeed(await readKeyFile(join(identityDir, 'agent.key'), 'agent'));
  } catch {
    // Whoever wants to know why asks the doctor.
    return undefined;
  }
}

/** `host:port` from a daemon's `api.port`; `undefined` when it has not written any. */
export async function readPort(file: string): Promise<string | undefined> {
  try {
    const text = (await readFile(file, 'utf8')).trim();
    return /^\d+$/u.test(text) ? `127.0.0.1:${text}` : text || undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
