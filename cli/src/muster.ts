/** `muster`: one command, one exit code. */
import { CommanderError } from 'commander';
import { codeOf, EXIT_FAILED, Failure, messageOf } from './failure.ts';
import { endWithLauncher } from './launcher-end.ts';
import { complain, onReaderLeft, printJson } from './output.ts';
import { buildProgram } from './program.ts';

async function main(args: readonly string[]): Promise<number> {
  const program = buildProgram();
  try {
    await program.command.parseAsync(args, { from: 'user' });
    return program.exitCode();
  } catch (error) {
    return await failed(error, asksForJson(args));
  }
}

async function failed(error: unknown, json: boolean): Promise<number> {
  if (error instanceof CommanderError) {
    // commander has told people already.
    if (json && error.exitCode !== 0) await printJson({ ok: false, error: error.message.replace(/^error: /u, '') });
    return error.exitCode;
  }
  if (error instanceof Failure) {
    if (json) await printJson(error.body);
    else complain(`muster: ${error.message}`);
    return error.exitCode;
  }
  // A configuration that cannot be read, a disk that fails: they explain themselves. Anything else is a defect.
  const explained = codeOf(error) !== undefined || (error instanceof Error && error.name === 'ConfigError');
  if (json) await printJson({ ok: false, error: messageOf(error) });
  complain(`muster: ${explained ? messageOf(error) : ((error as Error).stack ?? messageOf(error))}`);
  return EXIT_FAILED;
}

/** As commander would read it, also when commander refused to. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const options = end < 0 ? args : args.slice(0, end);
  return options.includes('--json') || options.includes('--format=json') || options[options.indexOf('--format') + 1] === 'json';
}

onReaderLeft('exit');
endWithLauncher();
process.exitCode = await main(process.argv.slice(2));
