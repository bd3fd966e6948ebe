/** Names that only a look at this machine, or at what is proved, can tell; loaded when they are asked for. */
import type { Command, Option } from 'commander';

const NAMES: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  'muster --name': async () => {
    const { findInstances } = await import('./instances.ts');
    return (await findInstances()).flatMap(({ name }) => name ?? []);
  },
  'prove --suite': async () => {
    const { loadSuites } = await import('./suites.ts');
    return (await loadSuites({})).suites.map(({ name }) => name);
  },
  'oracles --saboteur': async () => (await import('@muster/lab')).SABOTEURS.map(({ name }) => name),
};

/** What the option of the command takes, as far as it has names. */
export async function namesFor(command: Command, option: Option): Promise<readonly string[]> {
  const owner = command.options.includes(option) ? command.name() : 'muster';
  return (await NAMES[`${owner} ${option.long}`]?.()) ?? [];
}
