/** The proving ground on the command line. What it loads, it loads when it is asked for: other commands start without it. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { EXIT_USAGE } from './failure.ts';
import { globalsOf } from './globals.ts';
import type { ProveRequest } from './prove.ts';

type Ends = (work: Promise<number>) => Promise<void>;

/** runs */
const STANDARD_GATE = 5;

export function addProofCommands(program: Command, ends: Ends): void {
  const exits = '4 usage · 1 the target failed · 3 lab or harness fault · 2 inconclusive or unverified · 0 passed';

  const prove = judging(program.command('prove'))
    .summary('boot a network, prove it, hand over a signed bundle')
    .description(
      `Boot real daemons, drive them, judge what happened, and write a signed bundle.\n\n  no API call of its own\n  exit status: ${exits}`,
    )
    .option('--suite <NAME...>', 'only these suites')
    .option('--grep <RE>', 'only scenarios whose id or title matches')
    .option('--list', 'print suites and scenarios, and end')
    .option('--plan', 'print which scenario would run in which world and why, and end')
    .option('--requirements', 'print what is required, what exercises it and what nothing does, and end')
    .option('--seed <N>', 'repeat the decisions of another run', (text) => wholeNumber(text))
    .option('--out <DIR>', 'where the bundle will stand; must not exist')
    .option('--nodes <N>', 'daemons in the suites that work with any number, at least 2', (text) => wholeNumber(text, 2))
    .option('--messages <N>', 'messages of each daemon in the stress suite', (text) => wholeNumber(text, 1))
    .option(
      '--rate <N>',
      'messages per second: of each daemon in the stress suite, of all together in leak, soak and scale, of the flood in isolation',
      (text) => wholeNumber(text),
    )
    .option('--duration <TIME>', 'how long each daemon sends at that rate, or a suite like chaos goes on: 90s, 10m, 1h', seconds)
    .option('--resume <BUNDLE>', 'take up a soak that was broken off, for the rest of its duration')
    .option('--kills <N>', 'how often the crash suite kills a node', (text) => wholeNumber(text, 1))
    .option('--trials <N>', 'at most so many trials of what holds by chance only', (text) => wholeNumber(text, 1))
    .addOption(new Option('--world <KIND>', 'daemons on this host, or our own node on virtual time').choices(['local', 'sim']))
    .option('--real-crypto', 'in a simulated world: the real cryptography, in place of a test scheme')
    .option('--schedule <FILE>', 'faults and load of the chaos suite as written there, in place of what the seed makes')
    .option('--saboteur <NAME>', 'plant this bug in one node, to see a run that fails; see oracles')
    .option('--seeds <N>', 'try so many seeds in a simulated world, until one fails', (text) => wholeNumber(text, 1))
    .option('--target <URL>', 'prove a running daemon instead; repeatable', collect)
    .option('--token-file <FILE>', 'API token of the --target at the same place; repeatable', collect)
    .option('--target-cmd <CMD>', 'boot this daemon instead; compatible flags are appended')
    .option('--baseline <FILE>', 'checks known to fail, by id with the reason, as JSON; one that passes is stale, and red')
    .option('--shard <I/N>', 'one of N parts that together run everything; see merge', shardOf)
    .option('--last-failed', 'only the scenarios that were not good in the last run against this target')
    .option('--gate [RUNS]', 'fail when a check that passed in so many runs before (5) does not pass', (text) => wholeNumber(text, 1))
    .option('--release', 'every suite in a run of its own, and one roll-up of all; needs --out')
    .option('--skip <NAME...>', 'suites that --release leaves out')
    .option('--no-history', 'do not enter the run into the history of runs')
    .action(async (options: Omit<ProveRequest, 'json' | 'gate'> & { gate?: number | true; release?: true; skip?: string[] }, command: Command) => {
      const { runProve } = await import('./prove.ts');
      const { gate, release, skip, ...rest } = options;
      const runs = gate === true ? STANDARD_GATE : gate;
      const given = { ...rest, ...(runs !== undefined && { gate: runs }), json: globalsOf(command).json };
      if (release) {
        const { runRelease } = await import('./release.ts');
        await ends(runRelease({ ...given, ...(skip && { skip }) }));
        return;
      }
      await ends(runProve(given));
    });
  prove.addHelpText(
    'after',
    '\nExamples:\n  muster prove\n  muster prove --suite smoke --seed 7\n  muster prove --target-cmd x0xd\n  muster prove --world sim --nodes 5 --seed 7',
  );

  judging(program.command('oracles'))
    .summary('plant bugs in a node, and see that the suites catch them')
    .description(
      'Test the tests: a node with one planted bug at a time must fail the check that is there to catch it, and healthy nodes must pass.\n\n' +
        '  no API call of its own\n  exit status: 0 all caught and no false alarm · 1 not so · 4 usage',
    )
    .option('--healthy <N>', 'runs of the standard suites against healthy nodes, too', (text) => wholeNumber(text), 0)
    .option('--seeds <N>', 'so many healthy worlds on virtual time, too', (text) => wholeNumber(text), 0)
    .option('--saboteur <NAME...>', 'only these bugs')
    .action(async (options: { healthy: number; seeds: number; saboteur?: string[] }, command: Command) => {
      const { runOracleCommand } = await import('./oracles.ts');
      await ends(runOracleCommand({ ...options, json: globalsOf(command).json }));
    });

  judging(program.command('differ'))
    .summary('find what two targets answered differently')
    .description(
      'Take the bundles of two runs with the same seed and suites, against two targets or two versions of one, and report the first operation\n' +
        'that they answered differently: another outcome, status, truth or shape. Ids, times and numbers may differ.\n\n' +
        '  no API call\n  exit status: 0 they do not differ · 1 they do · 2 they cannot be compared · 4 usage',
    )
    .argument('<BUNDLE>', 'directory of the one')
    .argument('<OTHER>', 'directory of the other')
    .action(async (one: string, other: string, _options: unknown, command: Command) => {
      const { differ } = await import('./differ.ts');
      await ends(differ({ one, other, json: globalsOf(command).json }));
    });

  judging(program.command('shrink'))
    .summary('find the smallest run that still fails')
    .description(
      'Take a bundle of a run that failed, and leave out nodes, faults, operations and time for as long as the same requirement fails.\n' +
        'The smallest run that does is written as a bundle, with its schedule beside it.\n\n' +
        '  no API call of its own\n  exit status: 0 the smallest is there · 1 it did not fail again, or not in that time · 2 nothing in that bundle to shrink · 4 usage',
    )
    .argument('<BUNDLE>', 'directory of the bundle')
    .option('--budget <TIME>', 'how long to try: 90s, 10m, 1h', seconds, 60)
    .option('--confirm <K/N>', 'smaller runs count when K of N of them fail; 1/1 on virtual time, else 2/3', confirmOf)
    .option('--out <DIR>', 'where the bundle will stand; must not exist; the one given with -smallest')
    .action(async (bundle: string, options: { budget: number; confirm?: { times: number; of: number }; out?: string }, command: Command) => {
      const { runShrink } = await import('./shrink/shrink.ts');
      await ends(runShrink({ ...options, bundle, json: globalsOf(command).json }));
    });

  judging(program.command('verify'))
    .summary('recompute the verdict of a bundle, offline')
    .description(`Check a bundle against its manifests and signatures, and judge its evidence again.\n\n  no API call\n  exit status: ${exits}`)
    .argument('<BUNDLE>', 'directory of the bundle')
    .option('--key <FILE>', 'public key that the runner must have signed with')
    .action(async (bundle: string, { key }: { key?: string }, command: Command) => {
      const { verify } = await import('./bundle-commands.ts');
      await ends(verify({ bundle, key, json: globalsOf(command).json }));
    });

  judging(program.command('merge'))
    .summary('make one verdict of several bundles')
    .description(
      `Verify the bundles of shards or suites, and put them side by side in one roll-up with one signed verdict, which verify takes as it takes a bundle.\n\n  no API call\n  exit status: ${exits}`,
    )
    .argument('<BUNDLE...>', 'directories of bundles; they are copied')
    .requiredOption('--out <DIR>', 'where the roll-up will stand; must not exist')
    .action(async (bundles: string[], { out }: { out: string }, command: Command) => {
      const { merge } = await import('./merge.ts');
      await ends(merge({ bundles, out, json: globalsOf(command).json }));
    });

  judging(program.command('history'))
    .summary('what past runs say')
    .description(
      'List the last runs; or, given the beginning of check ids, how often those checks passed, since when they fail, and what they took.\n\n  no API call',
    )
    .argument('[CHECK]', 'beginning of check ids: a suite, a scenario, a check')
    .option('--flaky', 'checks that changed between passing and not passing')
    .option('--slowest', 'the checks that took longest')
    .option('--last <RUNS>', 'runs to look back on', (text) => wholeNumber(text, 1), 50)
    .option('--target <NAME>', 'only runs against this target')
    .action(async (check: string | undefined, options: { flaky?: true; slowest?: true; last: number; target?: string }, command: Command) => {
      const { history } = await import('./history/history.ts');
      const { flaky = false, slowest = false, last, target } = options;
      await ends(history({ check, flaky, slowest, last, target, json: globalsOf(command).json }));
    });

  judging(program.command('export'))
    .summary('write the history of a bundle for other checkers')
    .description(
      'Write the operations, faults and observations of a verified bundle as Jepsen’s checkers read them: EDN, one map a line.\n\n  no API call',
    )
    .argument('<BUNDLE>', 'directory of the bundle')
    .option('--out <FILE>', 'write it there; must not exist')
    .action(async (bundle: string, { out }: { out?: string }) => {
      const { exportHistory } = await import('./export-history.ts');
      await ends(exportHistory({ bundle, out }));
    });

  judging(program.command('report'))
    .summary('print what a bundle says')
    .description('Print what a bundle says, once it is verified.\n\n  no API call')
    .argument('<BUNDLE>', 'directory of the bundle')
    .option('--out <FILE>', 'copy the HTML report there')
    .option('--open-path', 'print only the path of the HTML report')
    .action(async (bundle: string, { out, openPath = false }: { out?: string; openPath?: boolean }, command: Command) => {
      const { report } = await import('./bundle-commands.ts');
      await ends(report({ bundle, out, openPath, json: globalsOf(command).json }));
    });
}

/** Exit status 1 is a verdict here, so usage errors have another. */
function judging(command: Command): Command {
  return command.exitOverride((error) => {
    throw error.exitCode === 0 ? error : Object.assign(error, { exitCode: EXIT_USAGE });
  });
}

/** `90`, `90s`, `10m` or `1h` in seconds. */
function seconds(text: string): number {
  const [, number = '', unit = 's'] = /^(\d{1,9})([smh]?)$/.exec(text) ?? [];
  return wholeNumber(number === '' ? text : number, 1) * { s: 1, m: 60, h: 3_600 }[(unit || 's') as 's' | 'm' | 'h'];
}

function wholeNumber(text: string, least = 0): number {
  const value = Number(text);
  if (!/^\d{1,15}$/u.test(text) || value < least) throw new InvalidArgumentError(`Expected a whole number, at least ${least}.`);
  return value;
}

function shardOf(text: string): { index: number; of: number } {
  const [, index, of] = /^(\d{1,4})\/(\d{1,4})$/u.exec(text) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  if (!(shard.index >= 1 && shard.index <= shard.of)) throw new InvalidArgumentError('Expected I/N, as 2/4.');
  return shard;
}

function confirmOf(text: string): { times: number; of: number } {
  const [, times, of] = /^(\d{1,3})\/(\d{1,3})$/u.exec(text) ?? [];
  const confirm = { times: Number(times), of: Number(of) };
  if (!(confirm.times >= 1 && confirm.times <= confirm.of)) throw new InvalidArgumentError('Expected K/N, as 2/3.');
  return confirm;
}

function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
