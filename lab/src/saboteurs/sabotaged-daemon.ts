import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DaemonCommand, ownDaemon } from '../world/daemon-command.ts';
import type { CliCommand } from '../record/target-node.ts';
import type { Saboteur } from './saboteur.ts';

const extension = extname(fileURLToPath(import.meta.url));

/** Our own daemon with the saboteur's bug in it; compiled beside compiled code, source beside source. */
export function sabotagedDaemon({ name }: Pick<Saboteur, 'name'>): DaemonCommand {
  const { command, args } = own('main');
  return { command, args: [...args, name], implementation: `muster with a bug: ${name}` };
}

/** How a command line tool is called. */
export type CommandLine = Pick<CliCommand, 'command' | 'args'>;

/** The command line, printing what the saboteur makes of it. */
export function sabotagedCommand({ name }: Pick<Saboteur, 'name'>): (honest: CommandLine) => CommandLine {
  const { command, args } = own('cli-main');
  return (honest) => ({ command, args: [...args, name, honest.command, ...honest.args] });
}

function own(main: string): DaemonCommand {
  return ownDaemon(fileURLToPath(new URL(`./${main}${extension}`, import.meta.url)), extension === '.ts' ? ['--conditions=muster-source'] : []);
}
