import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DaemonCommand, ownDaemon } from '../world/daemon-command.ts';
import type { Saboteur } from './saboteurs.ts';

const extension = extname(fileURLToPath(import.meta.url));

/** Our own daemon with the saboteur's bug in it; compiled beside compiled code, source beside source. */
export function sabotagedDaemon({ name }: Pick<Saboteur, 'name'>): DaemonCommand {
  const main = fileURLToPath(new URL(`./main${extension}`, import.meta.url));
  const { command, args } = ownDaemon(main, extension === '.ts' ? ['--conditions=muster-source'] : []);
  return { command, args: [...args, name], implementation: `muster with a bug: ${name}` };
}
