/** A run and the history of runs: what it looks up, and what it leaves. */
import type { ProofReport, Regression } from '@muster/proof';
import { complain } from '../output.ts';
import { EXIT_USAGE, Failure, messageOf } from '../failure.ts';
import { gateOf } from './gate.ts';
import { failedScenarios, RunHistory } from './run-history.ts';

export interface Remembered {
  /** when a gate was asked for */
  readonly regressions?: readonly Regression[];
}

/** Gates the run against those before it, and enters it. A history that cannot be written spoils no verdict; a gate that cannot be judged does. @throws Failure */
export function remember(report: ProofReport, bundle: string, gate: number | undefined): Remembered {
  try {
    using store = new RunHistory();
    const found = gate === undefined ? undefined : gateOf(store, report, gate);
    store.add(report, bundle);
    return found ? { regressions: found } : {};
  } catch (error) {
    if (gate !== undefined) throw new Failure(`the history of runs cannot be read, and so nothing gated: ${messageOf(error)}`, EXIT_USAGE);
    complain(`the run is not entered into the history of runs: ${messageOf(error)}`);
    return {};
  }
}

/** Ids of the scenarios that were not good in the last run. @throws Failure when there was none, or nothing to repeat */
export function lastFailedScenarios(target: string): string[] {
  using store = new RunHistory();
  if (store.runs(1, target).length === 0) throw new Failure(`there is no run against ${target} yet; see: muster history`, EXIT_USAGE);
  const failed = failedScenarios(store.results(1, target));
  if (failed.length === 0) throw new Failure(`everything was good in the last run against ${target}`, EXIT_USAGE);
  return failed;
}

export function regressionLines(regressions: readonly Regression[]): string[] {
  if (regressions.length === 0) return [];
  return ['', 'no longer green:', ...regressions.map(({ check, status }) => `  ${check}: ${status}`)];
}
