/** `musterd`: parses its flags before it loads anything, so that it starts fast and explains itself at once. */
import { messageOf } from './failure.ts';
import { endWithLauncher } from './launcher-end.ts';
import { DAEMON_HELP, type DaemonFlags, FlagError, parseFlags } from './musterd-flags.ts';

/** sysexits.h EX_CONFIG */
const EXIT_BAD_CONFIGURATION = 78;

async function main(args: readonly string[]): Promise<number> {
  let flags: DaemonFlags;
  try {
    flags = parseFlags(args);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    warn(error.message);
    return EXIT_BAD_CONFIGURATION;
  }
  for (const warning of flags.warnings) warn(warning);
  if (flags.action === 'help') return say(DAEMON_HELP);
  if (flags.action === 'list') {
    const { findInstances, labelOf } = await import('./instances.ts');
    const running = (await findInstances()).filter(({ address }) => address !== undefined);
    return say(running.map(({ name, address }) => `${labelOf(name)}\t${address}`).join('\n') || 'no instance is running');
  }
  if (flags.action === 'doctor') {
    const { doctor } = await import('./doctor/doctor.ts');
    return doctor({ name: flags.name, config: flags.config, json: false });
  }
  const { ConfigError, runForeground, VERSION } = await import('./foreground.ts');
  if (flags.action === 'version') return say(`musterd ${VERSION}`);
  if (flags.action === 'check-updates') return say(`musterd ${VERSION}; it never looks for updates itself`);
  try {
    return await runForeground(flags, { checkOnly: flags.action === 'check' });
  } catch (error) {
    warn(messageOf(error));
    return error instanceof ConfigError ? EXIT_BAD_CONFIGURATION : 1;
  }
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function warn(text: string): void {
  process.stderr.write(`musterd: ${text}\n`);
}

// A log reader that goes away is no reason to end.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
endWithLauncher();
// The end is decided here: nothing that a closed node may have left open keeps the process.
process.exit(await main(process.argv.slice(2)));
