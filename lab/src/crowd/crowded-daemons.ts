import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DaemonCommand, ownDaemon } from '../world/daemon-command.ts';

const extension = extname(fileURLToPath(import.meta.url));

/** Our own daemon, many in one process; takes `NAME=CONFIG` for each. Compiled beside compiled code, source beside source. */
export function crowdedDaemons(): DaemonCommand {
  const main = fileURLToPath(new URL(`./main${extension}`, import.meta.url));
  return ownDaemon(main, extension === '.ts' ? ['--conditions=muster-source'] : []);
}
