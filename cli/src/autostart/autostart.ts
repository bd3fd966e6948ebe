/** `muster autostart`: a service of this user that starts the daemon of an instance at login. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { INSTANCE_NAME, writeFileAtomic } from '@muster/node/host';
import { entry } from '../entries.ts';
import { codeOf, Failure } from '../failure.ts';
import { inspectInstance } from '../instances.ts';
import { printJson, printLine } from '../output.ts';
import { MARK, type Service } from './service-file.ts';
import { type ServiceManager, serviceManager, succeeds } from './service-manager.ts';

export interface AutostartRequest {
  readonly name: string | undefined;
  readonly remove: boolean;
  readonly json: boolean;
}

/** They decide where an instance is, and a service manager does not know what a shell was told. */
const KEPT_VARIABLES = ['XDG_CONFIG_HOME', 'XDG_DATA_HOME'];

/** Resolves with the exit code. @throws Failure */
export async function autostart({ name, remove, json }: AutostartRequest): Promise<number> {
  const manager = serviceManager();
  if (!manager) throw new Failure(`autostart knows systemd and launchd, not ${process.platform}: run ${daemonCommand(name).join(' ')} at login`);
  if (!remove) return install(manager, name, json);
  const removed = await removeService(manager, name);
  if (json) await printJson({ ok: true, removed, file: manager.file(name) });
  else await printLine(removed ? `removed ${manager.file(name)}` : 'there was no autostart');
  return 0;
}

async function install(manager: ServiceManager, name: string | undefined, json: boolean): Promise<number> {
  const { running } = await inspectInstance(name);
  const file = manager.file(name);
  const text = manager.text({ name, command: daemonCommand(name), environment: keptVariables() });
  const before = await ownText(file);
  if (before !== text) {
    await mkdir(dirname(file), { recursive: true });
    await writeFileAtomic(file, text, 0o644);
  }
  // A second daemon would find the data in use, and be started again and again.
  const commands = manager.enabling(name, !running);
  const enabled = manager.works();
  if (enabled) {
    for (const command of commands) if (!succeeds(command)) throw new Failure(`${file} is written, but this failed: ${command.join(' ')}`);
  }
  const state = before === undefined ? 'written' : before === text ? 'unchanged' : 'replaced';
  const run = commands.map((command) => command.join(' '));
  if (json) await printJson({ ok: true, file, state, enabled, commands: run });
  else {
    const next = enabled ? [`done: ${run.join(' && ')}`] : ['now run:', ...run.map((line) => `  ${line}`)];
    const already = running ? [`the daemon runs already; from the next login on it is started for you`] : [];
    await printLine([`${state} ${file}`, ...(run.length > 0 ? next : []), ...already, manager.note].join('\n'));
  }
  return 0;
}

function daemonCommand(name: string | undefined): string[] {
  const { flags, file } = entry('musterd');
  return [process.execPath, ...flags, file, ...(name === undefined ? [] : ['--name', name])];
}

function keptVariables(): Service['environment'] {
  return Object.fromEntries(KEPT_VARIABLES.flatMap((key) => (process.env[key]?.startsWith('/') ? [[key, process.env[key]] as const] : [])));
}

/** Stops, disables and removes it; false when there was none. @throws Failure for a file of somebody else */
export async function removeService(manager: ServiceManager, name: string | undefined): Promise<boolean> {
  const file = manager.file(name);
  if ((await ownText(file)) === undefined) return false;
  const works = manager.works();
  if (works) for (const command of manager.disabling(name)) succeeds(command);
  for (const path of [...manager.links(name), file]) await rm(path, { force: true });
  if (works) for (const command of manager.forgetting) succeeds(command);
  return true;
}

/** Names of the instances that have a service of ours. */
export async function servicesOf(manager: ServiceManager): Promise<(string | undefined)[]> {
  const files = await readdir(manager.folder).catch((error: unknown): string[] => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const names: (string | undefined)[] = [];
  for (const file of files.toSorted()) {
    const [, name] = manager.ours.exec(file) ?? [];
    const fits = manager.ours.test(file) && (name === undefined || INSTANCE_NAME.test(name));
    if (fits && (await readFile(join(manager.folder, file), 'utf8')).includes(MARK)) names.push(name);
  }
  return names;
}

/** What is in the file when it is ours; `undefined` when there is none. @throws Failure */
async function ownText(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new Failure(`cannot read ${file} (${codeOf(error)})`);
  });
  if (text === undefined || text.includes(MARK)) return text;
  throw new Failure(`${file} was not written by muster autostart; move it away first`);
}
