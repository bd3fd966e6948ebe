/** `muster oracles`: are the suites any good? Bugs are planted, and must be caught; healthy nodes must pass. */
import { availableParallelism } from 'node:os';
import { listenForInterrupt, localTarget, ownDaemon, runOracles, SABOTEURS, systemClock } from '@muster/lab';
import type { OracleEvent } from '@muster/lab';
import { defaultSuites, suites } from '@muster/suites';
import { entry } from './entries.ts';
import { EXIT_FAILED, EXIT_USAGE, Failure, messageOf } from './failure.ts';
import { interruptedCode } from './interrupted-code.ts';
import { rememberKillRate } from './kill-rate.ts';
import { OracleWorkers } from './oracle-workers.ts';
import { complain, printJson, printLine } from './output.ts';

/** per node and healthy run: enough for a fault of one in a hundred to show */
const HEALTHY_MESSAGES = 150;
/** on virtual time it is the number of seeds that shows something */
const SEED_MESSAGES = 12;
/** every so many of them are told of, and each that failed */
const SEEDS_TOLD = 50;

export interface OraclesRequest {
  readonly healthy: number;
  readonly seeds: number;
  readonly saboteur?: readonly string[];
  readonly json: boolean;
}

/** Resolves with 0 when every planted bug was caught and no healthy run failed, else 1. `run` does what it tells of. @throws Failure */
export async function runOracleCommand({ healthy, seeds, saboteur: names, json }: OraclesRequest, run = runOracles): Promise<number> {
  const unknown = names?.find((name) => SABOTEURS.every((saboteur) => saboteur.name !== name));
  if (unknown !== undefined)
    throw new Failure(`there is no saboteur ${unknown}; there are ${SABOTEURS.map(({ name }) => name).join(', ')}`, EXIT_USAGE);
  using interrupt = listenForInterrupt(() => systemClock.monotonic());
  const daemon = entry('musterd');
  const cli = { command: process.execPath, args: [...entry('muster').flags, entry('muster').file] };
  await using workers = new OracleWorkers();
  const report = await run({
    suites,
    healthySuites: defaultSuites,
    makeTarget: (commands, sabotaged) => localTarget({ command: ownDaemon(daemon.file, daemon.flags), commands, cli: sabotaged(cli) }),
    ...(names && { saboteurs: SABOTEURS.filter(({ name }) => names.includes(name)) }),
    healthyRuns: healthy,
    healthySeeds: seeds,
    hunts: 2 * availableParallelism(),
    simulate: workers.simulate,
    simulations: availableParallelism(),
    settings: { messages: HEALTHY_MESSAGES },
    seedSettings: { messages: SEED_MESSAGES },
    signal: interrupt.signal,
    observer: (event) => void (json || tells(event).map((line) => printLine(line))),
  }).catch((error: unknown) => {
    if (interrupt.signal.aborted) throw new Failure('interrupted', interruptedCode(interrupt.signal));
    throw error;
  });
  if (json) await printJson(report);
  else {
    const caught = report.saboteurs.filter((result) => result.caught).length;
    const passedOf = (world: 'local' | 'sim', what: string): string => {
      const runs = report.healthy.filter((one) => one.world === world);
      return runs.length === 0 ? '' : `, ${runs.filter(({ passed }) => passed).length} of ${runs.length} ${what} passed`;
    };
    const healthyText = `${passedOf('local', 'healthy runs')}${passedOf('sim', 'healthy seeds')}`;
    await printLine(`\n${caught} of ${report.saboteurs.length} planted bugs caught${healthyText}`);
  }
  try {
    rememberKillRate(report);
  } catch (error) {
    complain(`muster: the reports of later runs will not tell of it: ${messageOf(error)}`);
  }
  return report.ok ? 0 : EXIT_FAILED;
}

function tells(event: OracleEvent): string[] {
  if (event.type === 'saboteur') return [lineOf(event)];
  const { run, number, of } = event;
  const simulated = run.world === 'sim';
  if (simulated && run.passed && number % SEEDS_TOLD > 0 && number < of) return [];
  const what = simulated ? `healthy seed ${run.seed}, ${number} of ${of}` : `healthy run ${number} of ${of}`;
  return [`${run.passed ? '✓' : '✗'} ${what}  ${seconds(run.ms)}${run.passed ? '' : `: ${run.error ?? run.failed.join(', ')}`}`];
}

function lineOf(event: Extract<OracleEvent, { type: 'saboteur' }>): string {
  const { saboteur, plants, caught, caughtBy, failed, ms, error } = event.result;
  const what = caught
    ? `caught by ${failed.find((id) => id.startsWith(caughtBy))}`
    : `MISSED: ${error ?? `expected ${caughtBy}…, failed: ${failed.join(', ') || 'nothing'}`}`;
  return `${caught ? '✓' : '✗'} ${saboteur}  ${seconds(ms)}  (${plants}) ${what}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
