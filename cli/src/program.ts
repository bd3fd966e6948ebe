/** The whole command tree of `muster`. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { completionScript, completions, SHELLS } from './completion.ts';
import { addFindCommands } from './find-commands.ts';
import { addGlobals, globalsOf } from './globals.ts';
import { addIdentityCommands } from './identity-commands.ts';
import { addHostCommands } from './host-commands.ts';
import { portOf } from './musterd-flags.ts';
import { messageOf } from './failure.ts';
import { printLine } from './output.ts';
import { addProofCommands } from './proof-commands.ts';
import { addRegistryCommands, argumentTerm, type Invoke } from './registry-commands.ts';
import { printRoutes, printTree } from './overview.ts';

export interface Program {
  readonly command: Command;
  /** exit code of the command that ran */
  readonly exitCode: () => number;
}

/** `invoke` replaces the calls to a daemon. What a command loads, it loads when it runs, so that help and completion are quick. */
export function buildProgram(options: { readonly invoke?: Invoke } = {}): Program {
  let exitCode = 0;
  /** Remembers how a command ended. */
  const ends = async (work: Promise<number>): Promise<void> => {
    exitCode = await work;
  };
  const program = new Command('muster').description('A network for AI agents that can prove it works').exitOverride();
  const version = packageVersion();
  program.showHelpAfterError('(the same with --help says how)');
  program.version(version, '-V, --version', 'print the version');
  program.configureHelp({ sortSubcommands: true, showGlobalOptions: true, subcommandTerm: (command) => command.name(), argumentTerm });
  addGlobals(program);

  program
    .command('start')
    .summary('start the daemon in the background, and wait until it answers')
    .description('Start the daemon of an instance in the background, and wait until it answers.\n\n  no API call')
    .option('--config <FILE>', 'configuration (TOML); must exist')
    .option('--foreground', 'run it here until interrupted')
    .option('--api-port <PORT>', 'port of the local API; 0 takes a free one', parsePort)
    .option('--no-hard-coded-bootstrap', 'no bootstrap peers, not even the configured ones')
    .action(async (given: { config?: string; foreground?: boolean; apiPort?: number; hardCodedBootstrap: boolean }, command: Command) => {
      const { start } = await import('./start.ts');
      const { json, name } = globalsOf(command);
      const { config, apiPort, foreground = false, hardCodedBootstrap } = given;
      await ends(start({ config, name, apiPort, foreground, noBootstrap: !hardCodedBootstrap, json }));
    });

  const call: Invoke = async (capability, form, input, command) => {
    const { callCapability } = await import('./capability-call.ts');
    await ends(callCapability(capability, form, input, globalsOf(command)));
  };
  addRegistryCommands(program, options.invoke ?? call, {
    'status.shutdown': async (_capability, _form, _input, command) => {
      const { stop } = await import('./stop.ts');
      await ends(stop(globalsOf(command)));
    },
  });

  addHostCommands(program, ends);
  addFindCommands(program, ends);
  addIdentityCommands(program, ends);
  addProofCommands(program, ends);

  program
    .command('routes')
    .description('print every route of the API and the command that calls it')
    .action((_options, command: Command) => printRoutes(globalsOf(command).json));
  program
    .command('tree')
    .description('print every command')
    .action(() => printTree(program));
  program
    .command('version')
    .description('print the version')
    .action(() => printLine(version));
  program
    .command('completion')
    .description('print a completion script for a shell; load it with: source <(muster completion bash)')
    .addArgument(program.createArgument('<SHELL>', 'whose syntax').choices(SHELLS))
    .action((shell: (typeof SHELLS)[number]) => printLine(completionScript(shell)));
  program
    .command('__complete [WORDS...]', { hidden: true })
    .allowUnknownOption()
    .action(async (words: string[]) => {
      for (const { word, about } of await completions(program, words)) await printLine(about === '' ? word : `${word}\t${about}`);
    });
  return { command: program, exitCode: () => exitCode };
}

function parsePort(text: string): number {
  try {
    return portOf(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
