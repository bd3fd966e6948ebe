import { fileURLToPath } from 'node:url';
import { type DaemonCommand, ownDaemon } from '../world/daemon-command.ts';

/** A real node in a process of its own, from source. */
export function realDaemon(): DaemonCommand {
  return ownDaemon(fileURLToPath(new URL('real-daemon-main.ts', import.meta.url)), ['--conditions=muster-source']);
}
