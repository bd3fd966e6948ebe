/** `prove --requirements`: what is required, which scenarios exercise it, which checks came of that, and what nothing exercises. */
import { describeReason, type Plan, type Suite } from '@muster/lab';
import type { Status } from '@muster/proof';
import { type ResultRecord, RunHistory } from './history/run-history.ts';
import { columns, printJson, printLine } from './output.ts';
import { renderTable } from './render.ts';

/** runs to look back on for checks */
const LOOK_BACK = 50;

export interface RequirementRow {
  readonly suite: string;
  readonly requirement: string;
  /** the sentence that is to be proved */
  readonly text: string;
  /** `tested`: a scenario that would run exercises it. `untested`: none does, for the reasons given. `excluded`: nothing is meant to. */
  readonly state: 'tested' | 'untested' | 'excluded';
  readonly reason?: string;
  readonly scenarios: readonly string[];
  /** of the last run that had them */
  readonly checks: readonly { readonly check: string; readonly status: Status }[];
}

/** Resolves with 0. */
export async function requirements(suites: readonly Suite[], plan: Plan, target: string, json: boolean): Promise<number> {
  using store = new RunHistory();
  const rows = requirementRows(suites, plan, store.results(LOOK_BACK, target));
  if (json) await printJson(rows);
  else {
    const count = (state: RequirementRow['state']) => rows.filter((row) => row.state === state).length;
    await printLine(renderTable(rows.map(cells), columns()).join('\n'));
    await printLine(`\n${rows.length} requirements: ${count('tested')} tested, ${count('untested')} untested, ${count('excluded')} excluded`);
  }
  return 0;
}

export function requirementRows(suites: readonly Suite[], { notRun }: Plan, results: readonly ResultRecord[]): RequirementRow[] {
  const left = new Map(notRun.map(({ scenario, reason }) => [scenario.id, describeReason(reason)]));
  const latest = new Map<string, ResultRecord>();
  for (const result of results) if (!latest.has(result.check)) latest.set(result.check, result);
  const checks = Map.groupBy(latest.values(), ({ requirement }) => requirement);
  return suites.flatMap(({ name, requirements: required, scenarios }) =>
    required.map(({ id, text, excluded }): RequirementRow => {
      const exercising = scenarios.filter((scenario) => scenario.requirements.includes(id)).map((scenario) => scenario.id);
      const lacking = exercising.flatMap((scenario) => (left.has(scenario) ? [`${scenario} ${left.get(scenario)}`] : []));
      const tested = exercising.length > lacking.length;
      const reason = tested ? undefined : (excluded ?? (lacking.length > 0 ? lacking.join(', ') : 'no scenario exercises it'));
      return {
        suite: name,
        requirement: id,
        text,
        state: tested ? 'tested' : excluded === undefined ? 'untested' : 'excluded',
        ...(reason !== undefined && { reason }),
        scenarios: exercising,
        checks: (checks.get(id) ?? []).map(({ check, status }) => ({ check, status })),
      };
    }),
  );
}

function cells({ requirement, state, reason, scenarios, checks, text }: RequirementRow): Record<string, unknown> {
  const good = checks.filter(({ status }) => status === 'pass').length;
  const last = checks.length === 0 ? '' : `${good} of ${checks.length} passed`;
  return { requirement, state, scenarios: scenarios.join(', '), 'last checks': last, what: reason ?? text };
}
