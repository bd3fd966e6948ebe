/** `muster oracles`: are the suites any good? Bugs are planted, and must be caught; healthy nodes must pass. */
import { availableParallelism } from 'node:os';
import { listenForInterrupt, localTarget, ownDaemon, runOracles, SABOTEURS, systemClock } from '@muster/lab';
import type { OracleEvent } from '@muster/lab';
import { defaultSuites, suites } from '@muster/suites';
import { entry } from './entries.ts';
import { EXIT_FAILED, EXIT_USAGE, Failure } from './failure.ts';
import { printJson, printLine } from './output.ts';

/** per node and healthy run: enough for a fault of one in a hundred to show */
const HEALTHY_MESSAGES = 300;

export interface OraclesRequest {
  readonly healthy: number;
  readonly saboteur?: readonly string[];
  readonly json: boolean;
}

/** Resolves with 0 when every planted bug was caught and no healthy run failed, else 1. @throws Failure */
export async function runOracleCommand({ healthy, saboteur: names, json }: OraclesRequest): Promise<number> {
  const unknown = names?.find((name) => SABOTEURS.every((saboteur) => saboteur.name !== name));
  if (unknown !== undefined)
    throw new Failure(`there is no saboteur ${unknown}; there are ${SABOTEURS.map(({ name }) => name).join(', ')}`, EXIT_USAGE);
  using interrupt = listenForInterrupt(() => systemClock.monotonic());
  const daemon = entry('musterd');
  const cli = { command: process.execPath, args: [...entry('muster').flags, entry('muster').file] };
  const report = await runOracles({
    suites,
    healthySuites: defaultSuites,
    makeTarget: (commands, sabotaged) => localTarget({ command: ownDaemon(daemon.file, daemon.flags), commands, cli: sabotaged(cli) }),
    ...(names && { saboteurs: SABOTEURS.filter(({ name }) => names.includes(name)) }),
    healthyRuns: healthy,
    hunts: 2 * availableParallelism(),
    settings: { messages: HEALTHY_MESSAGES },
    signal: interrupt.signal,
    observer: (event) => void (json || printLine(lineOf(event))),
  }).catch((error: unknown) => {
    if (interrupt.signal.aborted) throw new Failure('interrupted', EXIT_FAILED);
    throw error;
  });
  if (json) await printJson(report);
  else {
    const caught = report.saboteurs.filter((result) => result.caught).length;
    const passed = report.healthy.filter((run) => run.passed).length;
    const healthyText = report.healthy.length === 0 ? '' : `, ${passed} of ${report.healthy.length} healthy runs passed`;
    await printLine(`\n${caught} of ${report.saboteurs.length} planted bugs caught${healthyText}`);
  }
  return report.ok ? 0 : EXIT_FAILED;
}

function lineOf(event: OracleEvent): string {
  if (event.type === 'healthy') {
    const { run, number, of } = event;
    return `${run.passed ? '✓' : '✗'} healthy run ${number} of ${of}  ${seconds(run.ms)}${run.passed ? '' : `: ${run.error ?? run.failed.join(', ')}`}`;
  }
  const { saboteur, plants, caught, caughtBy, failed, ms, error } = event.result;
  const what = caught
    ? `caught by ${failed.find((id) => id.startsWith(caughtBy))}`
    : `MISSED: ${error ?? `expected ${caughtBy}…, failed: ${failed.join(', ') || 'nothing'}`}`;
  return `${caught ? '✓' : '✗'} ${saboteur}  ${seconds(ms)}  (${plants}) ${what}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
