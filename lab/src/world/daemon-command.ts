/** How a daemon is started: ours, or any that takes the compatible flags. */

export interface DaemonCommand {
  readonly command: string;
  /** before the flags that the lab adds */
  readonly args: readonly string[];
  /** added to the daemon's otherwise bare environment */
  readonly env?: Readonly<Record<string, string>>;
  /** what the daemon is called in evidence */
  readonly implementation: string;
}

/** Our own daemon: `entry` is its script, run by the Node that runs us. */
export function ownDaemon(entry: string, nodeFlags: readonly string[] = []): DaemonCommand {
  return { command: process.execPath, args: [...nodeFlags, entry], implementation: 'muster' };
}

/** A command line as typed in a shell (quotes and variables as there); one simple command, to which flags are appended. */
export function shellCommand(line: string): DaemonCommand {
  return { command: '/bin/sh', args: ['-c', `exec ${line} "$@"`, 'sh'], implementation: line };
}
