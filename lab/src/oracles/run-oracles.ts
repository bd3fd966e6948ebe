/** Tests the tests: nodes with one planted bug each, which the suites must catch, and nodes without, which must pass. */
import type { Json } from '@muster/proof';
import { type LabClock, systemClock } from '../clock.ts';
import type { Suite } from '../runner/scenario.ts';
import { type CommandLine, sabotagedCommand, sabotagedDaemon } from '../saboteurs/sabotaged-daemon.ts';
import { SABOTEURS, type Saboteur } from '../saboteurs/saboteurs.ts';
import { lasting } from '../targets/lasting-target.ts';
import { settled } from '../targets/settled.ts';
import type { Target } from '../targets/target.ts';
import type { DaemonCommand } from '../world/daemon-command.ts';
import { type HealthyRun, type OracleReport, oracleReport, type OracleWorld, type SaboteurResult } from './oracle-report.ts';
import { huntersOf, runTrial, type Simulate, simulator, type TrialOutcome } from './trial.ts';

/** Per node: enough for every planted bug to show, the 1 % ones included. */
const MESSAGES = 150;

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
  /** runs against healthy daemons, one after the other; 0 when not given */
  readonly healthyRuns?: number;
  /** healthy worlds on virtual time, one for each seed; 0 when not given */
  readonly healthySeeds?: number;
  /** saboteurs hunted on daemons at once: most of such a hunt is waiting; 1 when not given */
  readonly hunts?: number;
  /** runs a trial on virtual time; in this process when not given */
  readonly simulate?: Simulate;
  /** such trials at once; 1 when not given */
  readonly simulations?: number;
  /** the seed of the first run; each further one takes the next number */
  readonly seed?: number;
  /** handed to the scenarios of healthy runs */
  readonly settings?: Readonly<Record<string, Json>>;
  /** and to those on virtual time */
  readonly seedSettings?: Readonly<Record<string, Json>>;
  readonly observer?: (event: OracleEvent) => void;
  /** aborted: what runs is ended, and the signal's reason thrown */
  readonly signal?: AbortSignal;
  readonly clock?: LabClock;
}

const honest = (command: CommandLine): CommandLine => command;

/**
 * What runs on virtual time runs beside what needs daemons; of either kind the saboteurs come first, and the healthy runs are told in
 * their order. @throws RangeError when a saboteur names no scenario of the suites; the signal's reason
 */
export async function runOracles(options: OracleOptions): Promise<OracleReport> {
  const { suites, healthySuites = suites, makeTarget, healthyRuns = 0, healthySeeds = 0, seed: first = 1 } = options;
  const { settings = {}, seedSettings = settings, clock = systemClock, hunts = 1, simulations = 1, observer = () => undefined } = options;
  const saboteurs = options.saboteurs ?? SABOTEURS;
  const simulate = options.simulate ?? simulator({ suites, healthySuites, saboteurs }, clock);
  const planted = saboteurs.map((saboteur) => ({ saboteur, hunters: huntersOf(suites, saboteur) }));
  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;

  const onDaemons = async ({ saboteur, hunters }: (typeof planted)[number]): Promise<SaboteurResult> => {
    const daemons = saboteur.prints ? {} : { [saboteur.node]: sabotagedDaemon(saboteur) };
    const target = settled(makeTarget(daemons, saboteur.prints ? sabotagedCommand(saboteur) : honest), clock);
    const parts = { suites: hunters, target, seed: String(first), settings: { messages: MESSAGES } };
    return hunted(saboteur, 'local', await runTrial(parts, clock, signal));
  };
  const inSimulation = async ({ saboteur }: (typeof planted)[number]): Promise<SaboteurResult> =>
    hunted(saboteur, 'sim', await simulate({ seed: String(first), saboteur: saboteur.name, settings: { messages: MESSAGES } }, signal));
  const tell = (result: SaboteurResult): void => observer({ type: 'saboteur', result });
  const seedsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => String(first + index));
  const healthy = (world: OracleWorld, of: number, work: (seed: string) => Promise<TrialOutcome>, atOnce: number): Promise<HealthyRun[]> => {
    let number = 0;
    const run = async (seed: string): Promise<HealthyRun> => {
      const { ms, exitCode, imperfect, error } = await work(seed);
      return { seed, world, passed: exitCode === 0, failed: imperfect, exitCode, ms, ...(error !== undefined && { error }) };
    };
    return inOrder(seedsOf(of), run, atOnce, (each) => observer({ type: 'healthy', run: each, number: ++number, of }));
  };
  const split = Map.groupBy(planted, ({ saboteur }) => (saboteur.daemons === undefined ? 'sim' : 'local'));

  const simulated = async (): Promise<[SaboteurResult[], HealthyRun[]]> => [
    await inOrder(split.get('sim') ?? [], inSimulation, simulations, tell),
    await healthy('sim', healthySeeds, (seed) => simulate({ seed, settings: seedSettings }, signal), simulations),
  ];
  const local = async (): Promise<[SaboteurResult[], HealthyRun[]]> => {
    const caught = await inOrder(split.get('local') ?? [], onDaemons, hunts, tell);
    await using target = lasting(makeTarget({}, honest));
    const runs = await healthy('local', healthyRuns, (seed) => runTrial({ suites: healthySuites, target, seed, settings }, clock, signal), 1);
    return [caught, runs];
  };
  const stopping = (error: unknown): never => {
    failed.abort(error);
    throw error;
  };
  const ends = await Promise.allSettled([simulated().catch(stopping), local().catch(stopping)]);
  options.signal?.throwIfAborted();
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  const results = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  const byName = new Map(results.flatMap(([caught]) => caught.map((result) => [result.saboteur, result])));
  return oracleReport(
    saboteurs.flatMap(({ name }) => byName.get(name) ?? []),
    results.flatMap(([, runs]) => runs),
  );
}

function hunted(
  { name, plants, node, caughtBy }: Saboteur,
  world: OracleWorld,
  { ms, exitCode, broken: failed, error }: TrialOutcome,
): SaboteurResult {
  const caught = exitCode === 1 && failed.some((id) => id.startsWith(caughtBy));
  return { saboteur: name, plants, world, node, caughtBy, caught, failed, exitCode, ms, ...(error !== undefined && { error }) };
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
