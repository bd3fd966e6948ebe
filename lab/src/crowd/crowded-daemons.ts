import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DaemonCommand, ownDaemon } from '../world/daemon-command.ts';

const extension = extname(fileURLToPath(import.meta.url));

/** what many nodes need for a moment is more than a heap made for one has room for, and would be copied again and again */
const YOUNG_FLAG = '--max-semi-space-size=64';

/** Our own daemon, many in one process; takes `NAME=CONFIG` for each. Compiled beside compiled code, source beside source. */
export function crowdedDaemons(): DaemonCommand {
  const main = fileURLToPath(new URL(`./main${extension}`, import.meta.url));
  return ownDaemon(main, [YOUNG_FLAG, ...(extension === '.ts' ? ['--conditions=muster-source'] : [])]);
}
