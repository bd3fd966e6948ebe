/** `muster prove`: from options to a run, and from its report to an exit code. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  describePlan,
  listenForInterrupt,
  PartialInTheWay,
  planRun,
  prove,
  renderProgress,
  type Selection,
  STANDARD_BUDGETS,
  type Suite,
  systemClock,
  type Target,
  TargetAddressError,
} from '@muster/lab';
import { VERSION } from '@muster/node/host';
import { partialOf } from '@muster/proof';
import { lastingSuites } from '@muster/suites';
import { readBaseline } from './baseline.ts';
import { EXIT_FAILED, EXIT_HARNESS, EXIT_USAGE, Failure, messageOf } from './failure.ts';
import { lastFailedScenarios, regressionLines, remember } from './history/remember.ts';
import { interruptedCode } from './interrupted-code.ts';
import { complain, onReaderLeft, printJson, printLine } from './output.ts';
import { knownKillRate } from './kill-rate.ts';
import { loadSuites } from './suites.ts';
import { runnerKey } from './runner-key.ts';
import { resumed } from './resume.ts';
import { requirements } from './requirements.ts';
import { targetOf, usage, UsageError } from './prove-target.ts';
import { defined, planData, reproduceLine, scheduleIn, shellWord } from './reproduce.ts';
import { partsLine, partTimes } from './part-times.ts';
import { becomeSimulationProcess, isSimulationProcess, searchSeeds, sizeWarning, type World } from './simulation.ts';
import { verdictLines } from './verdict-text.ts';

export interface ProveRequest {
  readonly suite?: readonly string[];
  readonly grep?: string;
  readonly list?: true;
  readonly plan?: true;
  readonly requirements?: true;
  readonly seed?: number;
  readonly out?: string;
  readonly nodes?: number;
  readonly messages?: number;
  readonly rate?: number;
  readonly kills?: number;
  /** at most, of what holds by chance only */
  readonly trials?: number;
  readonly duration?: number;
  /** bundle of a soak that was broken off, to be taken up */
  readonly resume?: string;
  /** s of the duration that it has seen through */
  readonly elapsed?: number;
  readonly target?: readonly string[];
  readonly tokenFile?: readonly string[];
  readonly targetCmd?: string;
  /** file of checks that are known to fail */
  readonly baseline?: string;
  readonly shard?: { readonly index: number; readonly of: number };
  readonly lastFailed?: true;
  /** what passed in so many runs before must pass again */
  readonly gate?: number;
  /** false: the run is not entered into the history of runs */
  readonly history?: boolean;
  /** the roll-up that the bundle goes into, which tells the rest */
  readonly partOf?: string;
  /** `sim`: on virtual time, in place of daemons */
  readonly world?: World;
  /** in a simulated world: the real cryptography in place of the test scheme */
  readonly realCrypto?: boolean;
  /** plants this bug in one node */
  readonly saboteur?: string;
  /** file of what happens in the chaos suite, in place of what the seed makes */
  readonly schedule?: string;
  /** tries so many seeds, one after the other, until one fails */
  readonly seeds?: number;
  readonly json: boolean;
  /** says nothing about a run in which nothing failed, and leaves no bundle of it */
  readonly quiet?: true;
}

/** Seeds are short enough to type. */
const SEED_BELOW = 1_000_000_000;

/** Resolves with the exit code of the verdict. @throws Failure */
export async function runProve(given: ProveRequest): Promise<number> {
  if (given.seeds !== undefined) {
    if (given.world !== 'sim') throw new Failure('--seeds searches simulated worlds: it needs --world sim', EXIT_USAGE);
    if (given.list || given.plan || given.requirements) throw new Failure('--seeds runs: it excludes --list, --plan and --requirements', EXIT_USAGE);
  }
  const asked = given.resume === undefined ? given : await resumed(given, given.resume);
  if (asked.world === 'sim' && !isSimulationProcess()) return becomeSimulationProcess();
  const warning = asked.world === 'sim' && !asked.quiet ? sizeWarning(asked.nodes) : undefined;
  if (warning !== undefined) complain(warning);
  if (asked.seeds !== undefined) return searchSeeds(asked, asked.seeds, runProve);
  const { nodes, rate, kills, trials, duration, elapsed } = asked;
  const settings = defined({ nodes, messages: await usage(() => messagesOf(asked)), rate, duration, elapsed, kills, trials });
  const schedule = asked.schedule === undefined ? undefined : await usage(() => scheduleIn(asked.schedule!));
  if (schedule && nodes !== undefined) throw new Failure('--schedule says which nodes there are: it excludes --nodes', EXIT_USAGE);
  const { suites, standard } = await usage(() => loadSuites({ nodes, kills, schedule, world: asked.world }));
  const seed = String(asked.seed ?? randomInt(SEED_BELOW));
  const target = await usage(() => targetOf(asked, seed));
  const request = await chosenBy(asked, target);
  if (request.list) return list(suites, request.json);
  const selection = selectionOf(request);
  const expectedFailures = request.baseline === undefined ? [] : await readBaseline(request.baseline);
  const chosen = request.suite ? suites : standard;
  const plan = await usage(() => planRun(chosen, target, selection));
  if (request.requirements) {
    const asked = request.suite ? suites.filter(({ name }) => request.suite!.includes(name)) : suites;
    return requirements(asked, planRun(asked, target, selection), target.implementation, request.json);
  }
  if (request.plan) {
    await (request.json ? printJson(plan) : printLine(describePlan(plan).join('\n')));
    return 0;
  }
  const out = resolve(request.out ?? join('proof-bundles', `${timestamp(new Date(systemClock.now()))}-${seed.slice(0, 6)}`));
  if (existsSync(out)) throw new Failure(`${out} is there already; name another place with --out`, EXIT_USAGE);
  const runner = await runnerKey();

  // A run that has begun is finished and bundled, whoever still reads.
  onReaderLeft('go-on');
  using interrupt = listenForInterrupt(() => systemClock.monotonic());
  using progress = request.json || request.quiet ? undefined : renderProgress(process.stdout);
  const unsigned: { name: string; reason: string }[] = [];
  try {
    const budgets = asStandard(request) ? STANDARD_BUDGETS : undefined;
    const { report, bundle, bundleMs } = await prove({
      suites: chosen,
      target,
      selection,
      out,
      runner: runner.signer,
      seed,
      tool: { name: 'muster', version: VERSION },
      reproduce: reproduceLine(request, seed),
      settings,
      plan: planData(asked, seed, schedule),
      expectedFailures,
      killRate: knownKillRate(),
      ...(budgets && { budgets }),
      signal: interrupt.signal,
      ...(progress && { observer: (event) => (event.type === 'finished' ? unsigned.push(...event.unsigned) : progress.on(event)) }),
    });
    const verifyLine = `muster verify ${shellWord(bundle)} --key ${shellWord(runner.publicFile)}`;
    const { verdict } = report;
    // Of a run that was broken off before anything failed there is nothing to see.
    if (request.quiet && (verdict.exitCode === 0 || (interrupt.signal.aborted && verdict.blamed.target === 0))) {
      await rm(bundle, { recursive: true });
      return interrupt.signal.aborted ? interruptedCode(interrupt.signal) : 0;
    }
    const past = request.history === false ? undefined : remember(report, request.partOf ?? bundle, request.gate);
    const parts = partTimes([...report.parts, { name: 'bundle', ms: bundleMs }], budgets);
    if (request.partOf !== undefined) await (request.json || printLine(['', ...verdictLines(verdict)].join('\n')));
    else if (request.json)
      await printJson({
        ok: verdict.exitCode === 0,
        verdict,
        seed,
        parts,
        bundle,
        verify: verifyLine,
        ...(past?.regressions && { regressions: past.regressions }),
      });
    else {
      progress?.[Symbol.dispose]();
      const silent = unsigned.map(({ name, reason }) => `${name} did not sign: ${reason}`);
      await printLine(
        [
          '',
          ...verdictLines(verdict),
          ...silent,
          ...regressionLines(past?.regressions ?? []),
          '',
          partsLine(parts),
          `bundle: ${bundle}`,
          `verify: ${verifyLine}`,
        ].join('\n'),
      );
    }
    if (interrupt.signal.aborted) return interruptedCode(interrupt.signal);
    return past?.regressions?.length ? EXIT_FAILED : verdict.exitCode;
  } catch (error) {
    if (error instanceof TargetAddressError || error instanceof PartialInTheWay) throw new Failure(error.message, EXIT_USAGE);
    if (interrupt.signal.aborted) throw new Failure('interrupted before there was anything to judge', interruptedCode(interrupt.signal));
    const { directory } = partialOf(out);
    throw new Failure(existsSync(directory) ? `${messageOf(error)}; what was recorded is in ${directory}` : messageOf(error), EXIT_HARNESS);
  }
}

/** What failed last is chosen by its ids, so that the same command can be given again. */
async function chosenBy(request: ProveRequest, { implementation }: Target): Promise<ProveRequest> {
  if (!request.lastFailed) return request;
  if (request.grep !== undefined || request.suite) throw new Failure('--last-failed excludes --grep and --suite', EXIT_USAGE);
  const scenarios = lastFailedScenarios(implementation);
  const suite = [...new Set(scenarios.map((id) => id.split('/', 1)[0]!))];
  return { ...request, suite, grep: `^(?:${scenarios.join('|')}) ` };
}

function selectionOf({ suite, grep, shard }: ProveRequest): Selection {
  return { ...(suite && { suites: suite }), ...(grep !== undefined && { grep }), ...(shard && { shard }) };
}

/** Budgets are those of our own daemon doing the standard work, all of it. */
function asStandard({
  suite,
  grep,
  shard,
  lastFailed,
  nodes,
  messages,
  rate,
  duration,
  kills,
  trials,
  target,
  targetCmd,
  world,
  saboteur,
  schedule,
}: ProveRequest): boolean {
  return [suite, grep, shard, lastFailed, nodes, messages, rate, duration, kills, trials, target, targetCmd, world, saboteur, schedule].every(
    (given) => given === undefined,
  );
}

/** To the other suites a duration is said in messages, so that the same command sends the same. */
function messagesOf({ messages, rate = 0, duration, suite = [] }: ProveRequest): number | undefined {
  if (duration === undefined) return messages;
  if (messages !== undefined) throw new UsageError('--messages and --duration exclude each other');
  if (rate > 0) return rate * duration;
  if (!suite.some((name) => lastingSuites.includes(name)))
    throw new UsageError(`--duration needs a --rate above 0, or a suite that lasts: ${lastingSuites.join(', ')}`);
  return undefined;
}

async function list(suites: readonly Suite[], json: boolean): Promise<number> {
  const entries = suites.map(({ name, title, scenarios }) => ({
    name,
    title,
    scenarios: scenarios.map((each) => ({ id: each.id, title: each.title })),
  }));
  if (json) await printJson(entries);
  else {
    for (const { name, title, scenarios } of entries) {
      await printLine(`${name}: ${title}`);
      for (const scenario of scenarios) await printLine(`  ${scenario.id}: ${scenario.title}`);
    }
  }
  return 0;
}

/** `20261121T013305Z` */
function timestamp(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d+/gu, '');
}
