/** A verdict for people. */
import type { ProofReport, Verdict } from '@muster/proof';
import { renderTable } from './render.ts';

type Row = Verdict['rows'][number];

/** The outcome, then who is to blame for it, then the checks that did not pass, then what was not run, save what nobody asked for. */
export function verdictLines(verdict: Verdict, rows: readonly Row[] = verdict.rows.filter(isNews)): string[] {
  const judged = rows.filter(({ status }) => status !== 'notrun');
  const blamed = Map.groupBy(
    judged.filter(({ blame }) => blame !== undefined),
    ({ blame }) => blame,
  );
  const leftOut = Map.groupBy(
    rows.filter(({ status }) => status === 'notrun'),
    ({ message }) => message,
  );
  return [
    `${verdict.outcome}: ${verdict.summary}`,
    ...(blamed.size > 0 ? [`blame: ${[...blamed].map(([who, those]) => `${who} ${those.length}`).join(', ')}`] : []),
    ...(judged.length > 0 ? ['', ...renderTable(judged.map(rowCells))] : []),
    ...(leftOut.size > 0 ? ['', ...renderTable([...leftOut].map(([why, those]) => ({ why, 'not run': namesOf(those) })))] : []),
  ];
}

/** so many are named; of more, it is said how many of each suite */
const NAMED = 3;

function namesOf(rows: readonly Row[]): string {
  const scenarios = rows.map(({ id }) => id.replace(/\/completed$/u, ''));
  if (scenarios.length <= NAMED) return scenarios.join(', ');
  const suites = Map.groupBy(scenarios, (id) => id.split('/', 1)[0]!);
  return [...suites].map(([suite, those]) => `${those.length} of ${suite}`).join(', ');
}

function isNews({ status, filteredOut }: Row): boolean {
  return status !== 'pass' && !filteredOut;
}

function rowCells({ status, id, blame, message, title }: Row): Record<string, unknown> {
  return { status, check: id, blame, what: status === 'pass' ? (title ?? message) : message };
}

/** Everything that a report holds, short. */
export function reportLines(report: ProofReport): string[] {
  const { run, worlds, verdict, faults, killRate, plantedBugs, journal } = report;
  const missed = plantedBugs.filter(({ caught }) => !caught).map(({ name }) => name);
  const bugs = killRate === null ? '' : `, kill rate ${killRate}${missed.length > 0 ? ` (missed: ${missed.join(', ')})` : ''}`;
  const nodes = worlds.flatMap((world) =>
    world.nodes.map(({ name, implementation, version }) => ({ world: world.world, node: name, implementation, version })),
  );
  return [
    ...(run
      ? [`run ${run.runId} of ${run.startedAt}, seed ${run.seed}`, `again: ${run.reproduce}`]
      : ['the journal does not say which run it is of']),
    `${journal.lines} journal lines in ${(journal.duration / 1000).toFixed(1)} s, ${faults.length} faults${bugs}`,
    ...(nodes.length > 0 ? ['', ...renderTable(nodes)] : []),
    '',
    ...verdictLines(verdict, verdict.rows),
  ];
}
