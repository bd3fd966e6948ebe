/** `muster uninstall`: ends what runs and takes back what was set up; data and keys stay. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { homeDirectory } from '@muster/node/host';
import { removeService, servicesOf } from './autostart/autostart.ts';
import { serviceManager } from './autostart/service-manager.ts';
import { completionScript, SHELLS } from './completion.ts';
import { connectTo } from './connection.ts';
import { codeOf, EXIT_FAILED, Failure, messageOf } from './failure.ts';
import type { Globals } from './globals.ts';
import { findInstances, type Instance, labelOf } from './instances.ts';
import { printJson, printLine } from './output.ts';
import { endDaemon } from './stop.ts';

interface Report {
  readonly removed: string[];
  readonly stopped: string[];
  readonly failed: string[];
}

/** Resolves with the exit code: 1 when something could not be taken back. @throws Failure when only one instance is meant */
export async function uninstall({ name, json }: Pick<Globals, 'name' | 'json'>): Promise<number> {
  if (name !== undefined) {
    const instead = `muster autostart --remove --name ${name}, then muster stop --name ${name}`;
    throw new Failure(`uninstall is about every instance, so it takes no --name; for one: ${instead}`);
  }
  const report: Report = { removed: [], stopped: [], failed: [] };
  // Services first: what they started must not be started again.
  await removeServices(report);
  const instances = await findInstances();
  for (const instance of instances) if (instance.running) await stopInstance(instance, report);
  await removeCompletions(report);
  const kept = instances.map(({ name, config }) => ({ name: labelOf(name), data_dir: config.dataDir, identity_dir: config.identityDir }));
  const program = fileURLToPath(new URL('../..', import.meta.url));
  const { removed, stopped, failed } = report;
  if (json) await printJson({ ok: failed.length === 0, removed, stopped, failed, kept, program });
  else {
    await printLine(
      [
        ...stopped.map((name) => `stopped ${name}`),
        ...removed.map((file) => `removed ${file}`),
        ...failed.map((what) => `FAILED  ${what}`),
        ...(stopped.length + removed.length + failed.length === 0 ? ['nothing ran, and nothing was set up'] : []),
        ...kept.flatMap(({ name, data_dir, identity_dir }) => [`kept    ${name}: data in ${data_dir}`, `        ${name}: keys in ${identity_dir}`]),
        ...(kept.length > 0 ? ['to delete those, too, before the program: muster purge'] : []),
        `the program itself is ${program}`,
      ].join('\n'),
    );
  }
  return failed.length === 0 ? 0 : EXIT_FAILED;
}

async function removeServices(report: Report): Promise<void> {
  const manager = serviceManager();
  if (!manager) return;
  for (const name of await servicesOf(manager)) if (await removeService(manager, name)) report.removed.push(manager.file(name));
}

async function stopInstance({ name, pid, config }: Instance, report: Report): Promise<void> {
  try {
    await using client = await connectTo(config.dataDir);
    await endDaemon(client, pid);
    report.stopped.push(labelOf(name));
  } catch (error) {
    report.failed.push(`${labelOf(name)} runs on (pid ${pid}): ${messageOf(error)}`);
  }
}

/** Nobody but the user puts them there, as the scripts themselves suggest. */
async function removeCompletions({ removed }: Report): Promise<void> {
  const own = SHELLS.map((shell) => completionScript(shell).trim());
  for (const file of completionFiles(process.env)) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return '';
      throw error;
    });
    if (!own.includes(text.trim())) continue;
    await rm(file);
    removed.push(file);
  }
}

/** The places from which bash, zsh and fish load the completions of a user. */
function completionFiles(env: NodeJS.ProcessEnv): string[] {
  const home = homeDirectory(env);
  const base = (variable: string, fallback: string): string => (env[variable]?.startsWith('/') ? env[variable] : join(home, fallback));
  const data = base('XDG_DATA_HOME', '.local/share');
  return [
    join(data, 'bash-completion', 'completions', 'muster'),
    join(home, '.bash_completion.d', 'muster'),
    join(data, 'zsh', 'site-functions', '_muster'),
    join(home, '.zfunc', '_muster'),
    join(home, '.zsh', 'completions', '_muster'),
    join(base('XDG_CONFIG_HOME', '.config'), 'fish', 'completions', 'muster.fish'),
  ];
}
