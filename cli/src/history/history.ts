/** `muster history`: what past runs say. */
import { type Trend, trendOf } from '@muster/proof';
import { columns, printJson, printLine } from '../output.ts';
import { renderTable } from '../render.ts';
import { type ResultRecord, RunHistory, type RunRecord } from './run-history.ts';

export interface HistoryRequest {
  /** beginning of the ids of checks to look at */
  readonly check?: string | undefined;
  /** only checks that changed between passing and not passing */
  readonly flaky: boolean;
  /** the checks that took longest */
  readonly slowest: boolean;
  /** runs to look back on */
  readonly last: number;
  readonly target?: string | undefined;
  readonly json: boolean;
}

interface CheckHistory extends Trend {
  readonly check: string;
  /** median, ms */
  readonly ms: number;
  readonly message: string;
}

/** checks shown of those that took longest */
const SLOWEST_SHOWN = 20;

/** Resolves with 0. */
export async function history({ check, flaky, slowest, last, target, json }: HistoryRequest): Promise<number> {
  using store = new RunHistory();
  const runs = store.runs(last, target);
  if (check === undefined && !flaky && !slowest) {
    await (json ? printJson(runs) : printLine(runs.length === 0 ? 'no run yet' : renderTable(runs.map(runCells), columns()).join('\n')));
    return 0;
  }
  const results = store.results(last, target).filter((result) => check === undefined || result.check.startsWith(check));
  let checks = checkHistories(results);
  if (flaky) checks = checks.filter(({ flips }) => flips > 0).toSorted((a, b) => b.flips - a.flips);
  if (slowest) checks = checks.toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST_SHOWN);
  if (json) await printJson(checks);
  else await printLine(checks.length === 0 ? 'no such check' : renderTable(checks.map((one) => checkCells(one, runs)), columns()).join('\n')); // prettier-ignore
  return 0;
}

function checkHistories(newestFirst: readonly ResultRecord[]): CheckHistory[] {
  const byCheck = Map.groupBy(newestFirst, (result) => result.check);
  return [...byCheck].map(([check, results]) => ({
    check,
    ...trendOf(results.toReversed()),
    ms: median(results.map(({ ms }) => ms)),
    message: results[0]!.message,
  }));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function runCells({ startedAt, outcome, checks, notPassed, ms, seed, target, runId }: RunRecord): Record<string, unknown> {
  return { started: startedAt, outcome, checks, 'not passed': notPassed, took: `${(ms / 1000).toFixed(1)} s`, seed, target, run: runId };
}

function checkCells({ check, runs, passed, interval, flips, failingSince, last, ms, message }: CheckHistory, known: readonly RunRecord[]) {
  const since = known.find(({ runId }) => runId === failingSince);
  return {
    check,
    last,
    passed: `${passed} of ${runs} (${interval.map((bound) => `${Math.round(bound * 100)}`).join('–')} %)`,
    flips,
    'failing since': since ? `${since.startedAt} seed ${since.seed}` : '',
    'took (median)': `${Math.round(ms)} ms`,
    what: message,
  };
}
