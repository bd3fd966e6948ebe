/** `--gate`: what was green in the last runs stays green. */
import { type ProofReport, type Regression, regressions, type Status } from '@muster/proof';
import { type ResultRecord, RunHistory, targetOf } from './run-history.ts';

/** runs to look back on, for checks that not every run has */
const LOOK_BACK = 10;

/** first parts of the ids of checks that belong to no suite */
const OF_THE_RUN = ['run', 'target'] as const;

/** Call before the run itself is entered. */
export function gateOf(store: RunHistory, report: ProofReport, runs: number): Regression[] {
  return regressions(pastStatuses(store.results(runs * LOOK_BACK, targetOf(report))), statusesOf(report), askedFor(report), runs);
}

function pastStatuses(newestFirst: readonly ResultRecord[]): ReadonlyMap<string, readonly Status[]> {
  const byCheck = Map.groupBy(newestFirst, ({ check }) => check);
  return new Map([...byCheck].map(([check, results]) => [check, results.map(({ status }) => status)]));
}

function statusesOf({ verdict }: ProofReport): ReadonlyMap<string, Status> {
  return new Map(verdict.rows.filter(({ filteredOut }) => !filteredOut).map(({ id, status }) => [id, status]));
}

/** Checks of scenarios that ran, and of scenarios that are gone though their suite ran. What stands for the run as a whole is not gated. */
function askedFor({ verdict }: ProofReport): (check: string) => boolean {
  const ran = new Set(verdict.rows.filter(({ filteredOut }) => !filteredOut).map(({ id }) => id.split('/', 1)[0]!));
  for (const part of OF_THE_RUN) ran.delete(part);
  const left = new Set(verdict.rows.filter(({ filteredOut }) => filteredOut).map(({ id }) => scenarioOf(id)));
  return (check) => ran.has(check.split('/', 1)[0]!) && !left.has(scenarioOf(check));
}

function scenarioOf(check: string): string {
  return check.split('/').slice(0, 2).join('/');
}
