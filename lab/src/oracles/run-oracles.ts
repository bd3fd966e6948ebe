/**
 * Tests the tests: nodes with one planted bug each, which the suites must catch, and nodes without, which must pass.
 * The verdict of such a run is read from the run itself; its bundle is thrown away.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Json, type ProofReport, signerFromSeed, type Status } from '@muster/proof';
import { type LabClock, systemClock } from '../clock.ts';
import { startReaper } from '../process/reaper.ts';
import { prove } from '../runner/prove.ts';
import type { Suite } from '../runner/scenario.ts';
import { type CommandLine, sabotagedCommand, sabotagedDaemon } from '../saboteurs/sabotaged-daemon.ts';
import { SABOTEURS, type Saboteur } from '../saboteurs/saboteurs.ts';
import type { Target } from '../targets/target.ts';
import type { DaemonCommand } from '../world/daemon-command.ts';
import { type HealthyRun, type OracleReport, oracleReport, type SaboteurResult } from './oracle-report.ts';
import { settled } from '../targets/settled.ts';

/** Per node: enough for every planted bug to show, the 1 % ones included. */
const MESSAGES = 150;
const BROKEN: ReadonlySet<Status> = new Set(['fail', 'flaky', 'stale-expected', 'crash', 'timeout']);
const GOOD: ReadonlySet<Status> = new Set(['pass', 'warn', 'skipped', 'notrun', 'expected-fail']);

export type OracleEvent =
  | { readonly type: 'saboteur'; readonly result: SaboteurResult }
  | { readonly type: 'healthy'; readonly run: HealthyRun; readonly number: number; readonly of: number };

export interface OracleOptions {
  /** all that may be needed to catch the saboteurs */
  readonly suites: readonly Suite[];
  /** what healthy nodes must pass; `suites` when not given */
  readonly healthySuites?: readonly Suite[];
  /** worlds of honest daemons, but for the nodes named in `sabotaged`; `command` is what their command line becomes */
  readonly makeTarget: (sabotaged: Readonly<Record<string, DaemonCommand>>, command: (honest: CommandLine) => CommandLine) => Target;
  /** all when not given */
  readonly saboteurs?: readonly Saboteur[];
  /** 0 when not given */
  readonly healthyRuns?: number;
  /** saboteurs hunted at once: most of a hunt is waiting; 1 when not given */
  readonly hunts?: number;
  /** the seed of the first run; each further one takes the next number */
  readonly seed?: number;
  /** handed to the scenarios of healthy runs */
  readonly settings?: Readonly<Record<string, Json>>;
  readonly observer?: (event: OracleEvent) => void;
  /** aborted: what runs is ended, and the signal's reason thrown */
  readonly signal?: AbortSignal;
  readonly clock?: LabClock;
}

const honest = (command: CommandLine): CommandLine => command;

/** The saboteurs, reported in their order, then the healthy runs one after the other. @throws RangeError when a saboteur names no scenario of the suites; the signal's reason */
export async function runOracles(options: OracleOptions): Promise<OracleReport> {
  const { suites, healthySuites = suites, makeTarget, healthyRuns = 0, seed = 1, settings = {}, observer = () => undefined } = options;
  const planted = (options.saboteurs ?? SABOTEURS).map((saboteur) => ({ saboteur, hunters: huntersOf(suites, saboteur) }));

  const hunt = async ({ saboteur, hunters }: (typeof planted)[number]): Promise<SaboteurResult> => {
    const daemons = saboteur.prints ? {} : { [saboteur.node]: sabotagedDaemon(saboteur) };
    const command = saboteur.prints ? sabotagedCommand(saboteur) : honest;
    const target = settled(makeTarget(daemons, command), options.clock ?? systemClock);
    const run = await oneRun(options, { suites: hunters, target, seed: String(seed), settings: { messages: MESSAGES } });
    const { name, plants, node, caughtBy } = saboteur;
    const caught = run.exitCode === 1 && run.broken.some((id) => id.startsWith(caughtBy));
    const { ms, exitCode, broken: failed, error } = run;
    return { saboteur: name, plants, node, caughtBy, caught, failed, exitCode, ms, ...(error !== undefined && { error }) };
  };
  const saboteurs = await inOrder(planted, hunt, options.hunts ?? 1, (result) => observer({ type: 'saboteur', result }));

  const healthy: HealthyRun[] = [];
  for (let number = 1; number <= healthyRuns; number++) {
    const runSeed = String(seed + number - 1);
    const { ms, exitCode, imperfect, error } = await oneRun(options, {
      suites: healthySuites,
      target: makeTarget({}, honest),
      seed: runSeed,
      settings,
    });
    const run = { seed: runSeed, passed: exitCode === 0, failed: imperfect, exitCode, ms, ...(error !== undefined && { error }) };
    healthy.push(run);
    observer({ type: 'healthy', run, number, of: healthyRuns });
  }
  return oracleReport(saboteurs, healthy);
}

/** Works on `atOnce` items at a time and tells of each result in the items' order. All have ended when this resolves or throws. */
async function inOrder<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
  atOnce: number,
  tell: (result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  let told = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
      for (let ready = results[told]; ready !== undefined; ready = results[++told]) tell(ready);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results;
}

/** The suites with nothing left in them but what must catch the saboteur. */
function huntersOf(suites: readonly Suite[], { name, caughtBy }: Saboteur): Suite[] {
  const hunters = suites.flatMap((suite) => {
    const scenarios = suite.scenarios.filter(({ id }) => `${caughtBy}/`.startsWith(`${id}/`));
    return scenarios.length > 0 ? [{ ...suite, scenarios }] : [];
  });
  if (hunters.length === 0) throw new RangeError(`no scenario is there to catch ${name}: ${caughtBy}`);
  return hunters;
}

interface RunOutcome {
  /** of the verdict; null when there was none */
  readonly exitCode: number | null;
  /** ids of checks that failed */
  readonly broken: readonly string[];
  /** ids of checks that were not good, undecided ones included */
  readonly imperfect: readonly string[];
  readonly ms: number;
  readonly error?: string;
}

type RunParts = Pick<Parameters<typeof prove>[0], 'suites' | 'target' | 'seed' | 'settings'>;

async function oneRun({ signal, clock = systemClock }: OracleOptions, parts: RunParts): Promise<RunOutcome> {
  signal?.throwIfAborted();
  const begun = clock.monotonic();
  await using reaper = await startReaper('muster-oracles-');
  const outcome = (exitCode: number | null, rows: ProofReport['verdict']['rows'], error?: string): RunOutcome => {
    const idsOf = (wanted: (status: Status) => boolean): string[] => rows.filter(({ status }) => wanted(status)).map(({ id }) => id);
    const [broken, imperfect] = [idsOf((status) => BROKEN.has(status)), idsOf((status) => !GOOD.has(status))];
    return { exitCode, broken, imperfect, ms: Math.round(clock.monotonic() - begun), ...(error !== undefined && { error }) };
  };
  try {
    const { report } = await prove({
      ...parts,
      out: join(reaper.directory, 'bundle'),
      runner: signerFromSeed(randomBytes(32)),
      tool: { name: 'muster', version: 'oracles' },
      reproduce: `muster oracles --seed ${parts.seed}`,
      clock,
      ...(signal && { signal }),
    });
    signal?.throwIfAborted();
    return outcome(report.verdict.exitCode, report.verdict.rows);
  } catch (error) {
    signal?.throwIfAborted();
    return outcome(null, [], error instanceof Error ? error.message : String(error));
  }
}
