/** The daemon's command line, compatible with the other implementation's: what is not known is named and ignored. */

type DaemonAction = 'run' | 'check' | 'list' | 'version' | 'help' | 'check-updates' | 'doctor';

export interface DaemonFlags {
  readonly action: DaemonAction;
  readonly config?: string;
  readonly name?: string;
  readonly apiPort?: number;
  readonly noBootstrap: boolean;
  readonly warnings: readonly string[];
}

/** A flag that is known but wrongly used. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

const ACTIONS: Readonly<Record<string, DaemonAction>> = {
  '--check': 'check',
  '--list': 'list',
  '--version': 'version',
  '-V': 'version',
  '--help': 'help',
  '-h': 'help',
  '--check-updates': 'check-updates',
  '--doctor': 'doctor',
  doctor: 'doctor',
};
const VALUED = ['--config', '--name', '--api-port', '--exec-acl'] as const;
type Valued = (typeof VALUED)[number];

/** Of several actions the first counts; of a repeated value the last. Throws `FlagError`. */
export function parseFlags(args: readonly string[]): DaemonFlags {
  const values: Partial<Record<Valued, string>> = {};
  const warnings: string[] = [];
  let action: DaemonAction | undefined;
  let noBootstrap = false;
  for (let index = 0; index < args.length; index++) {
    const { flag, value: attached } = split(args[index]!);
    const valued = VALUED.find((known) => known === flag);
    if (valued) {
      const value = attached ?? args[++index];
      if (value === undefined || value === '') throw new FlagError(`${flag} needs a value`);
      values[valued] = value;
    } else if (Object.hasOwn(ACTIONS, flag)) action ??= ACTIONS[flag];
    else if (flag === '--no-hard-coded-bootstrap') noBootstrap = true;
    else if (flag === '--no-bootstrap') {
      noBootstrap = true;
      warnings.push('--no-bootstrap is deprecated; use --no-hard-coded-bootstrap');
    } else if (flag !== '--skip-update-check') warnings.push(`unknown argument ignored: ${JSON.stringify(args[index])}`);
  }
  return {
    action: action ?? 'run',
    ...(values['--config'] !== undefined && { config: values['--config'] }),
    ...(values['--name'] !== undefined && { name: values['--name'] }),
    ...(values['--api-port'] !== undefined && { apiPort: portOf(values['--api-port']) }),
    noBootstrap,
    warnings,
  };
}

function split(argument: string): { flag: string; value: string | undefined } {
  const at = argument.startsWith('--') ? argument.indexOf('=') : -1;
  return at < 0 ? { flag: argument, value: undefined } : { flag: argument.slice(0, at), value: argument.slice(at + 1) };
}

export function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/u.test(text) || port > 65_535) throw new FlagError(`--api-port ${text}: must be a port, 0 to 65535`);
  return port;
}

export const DAEMON_HELP = `Usage: musterd [options]

The daemon of one agent. Most people start it with: muster start

Options:
  --config FILE              configuration (TOML); must exist
  --name NAME                named instance with files and keys of its own
  --api-port PORT            port of the local API; 0 takes a free one
  --no-hard-coded-bootstrap  no bootstrap peers, not even the configured ones
  --exec-acl FILE            accepted for compatibility; nothing is executed for others
  --skip-update-check        accepted for compatibility; updates are never looked for
  --check                    check the configuration and end
  --doctor                   check this instance and its machine, and say what to do
  --list                     list the instances that run on this machine
  -V, --version              print the version
  -h, --help                 print this

Exit status: 0 after a graceful end, 78 bad configuration, 1 cannot start.`;
