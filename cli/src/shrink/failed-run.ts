/** What a bundle says about a run that failed: which check, and all that it takes to run it again. */
import { type DrawnSchedule, readSchedule } from '@muster/lab';
import { VERSION } from '@muster/node/host';
import { isRollUp, type ProofReport, readBundleJournal, type Status, verifyBundle } from '@muster/proof';
import { refuseUnlessFolder } from '../bundle-commands.ts';
import { EXIT_UNUSABLE, Failure } from '../failure.ts';
import { type PlannedRun, plannedRun } from '../reproduce.ts';

const BROKEN: ReadonlySet<Status> = new Set(['fail', 'crash', 'timeout']);

export interface FailedRun {
  readonly request: PlannedRun;
  readonly seed: string;
  /** id of the first check that failed, its scenario and its requirement */
  readonly check: string;
  readonly scenario: string;
  readonly requirement: string;
  /** what happened, where a schedule said so */
  readonly schedule?: DrawnSchedule;
  /** ms that its load went on */
  readonly lasted: number;
}

/** @throws Failure for a bundle that is none, is refused, passed, or was made by another version */
export async function failedRun(bundle: string): Promise<FailedRun> {
  const unusable = (why: string): Failure => new Failure(`${bundle}: ${why}`, EXIT_UNUSABLE);
  await refuseUnlessFolder(bundle);
  if (await isRollUp(bundle)) throw unusable('a roll-up of several runs: name one of the bundles in it');
  const { accepted, report, findings } = await verifyBundle(bundle);
  if (!accepted || !report?.run) throw unusable(`no bundle that can be believed: ${findings[0]?.message ?? 'it names no run'}`);
  const { tool, seed } = report.run;
  if (tool.version !== VERSION) throw unusable(`made by version ${tool.version}, and this is ${VERSION}: run it again first`);
  const failed = firstFailure(report);
  if (!failed) throw unusable('no check of the target failed in it: there is nothing to shrink');
  const request = plannedRun(report.run);
  if (!request) throw unusable('it does not say how it was run');
  if (request.target) throw unusable('its nodes were there before it: the lab cannot run them again');
  const { id: check, requirement } = failed;
  const scenario = check.split('/').slice(0, 2).join('/');
  return { request, seed, check, scenario, requirement, ...(await scheduleOf(bundle)) };
}

export function firstFailure({ verdict }: ProofReport, requirement?: string): { readonly id: string; readonly requirement: string } | undefined {
  return verdict.rows.find(
    (row) => BROKEN.has(row.status) && row.blame === 'target' && (requirement === undefined || row.requirement === requirement),
  );
}

async function scheduleOf(bundle: string): Promise<Pick<FailedRun, 'schedule' | 'lasted'>> {
  let schedule: DrawnSchedule | undefined;
  let lasted: number | undefined;
  let last = 0;
  for await (const lines of readBundleJournal(bundle)) {
    for (const line of lines) {
      last = line.t;
      if (line.type !== 'observe' || line.stream !== 'schedule') continue;
      if (line.event === 'drawn') schedule = readSchedule(line.data) as DrawnSchedule;
      else lasted = (line.data as { ms: number }).ms;
    }
  }
  return { lasted: lasted ?? last, ...(schedule && { schedule }) };
}
