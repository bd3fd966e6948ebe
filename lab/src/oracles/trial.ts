/** One run of suites against nodes with one planted bug, or with none; of which only the verdict stays. */
import { createNode } from '@muster/node';
import type { Json, ProofReport, Status } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import { judge } from '../runner/prove.ts';
import type { Suite } from '../runner/scenario.ts';
import type { Compose } from '../sim/machine.ts';
import { sabotage, SABOTEURS, type Saboteur } from '../saboteurs/saboteurs.ts';
import { simulatedTarget } from '../targets/simulated-target.ts';
import type { Target } from '../targets/target.ts';

const BROKEN: ReadonlySet<Status> = new Set(['fail', 'flaky', 'stale-expected', 'crash', 'timeout']);
const GOOD: ReadonlySet<Status> = new Set(['pass', 'warn', 'skipped', 'notrun', 'expected-fail']);

export interface TrialOutcome {
  /** of the verdict; null when there was none */
  readonly exitCode: number | null;
  /** ids of checks that failed */
  readonly broken: readonly string[];
  /** ids of checks that were not good, undecided ones included */
  readonly imperfect: readonly string[];
  /** of real time */
  readonly ms: number;
  readonly error?: string;
}

export interface TrialParts {
  readonly suites: readonly Suite[];
  readonly target: Target;
  readonly seed: string;
  readonly settings: Readonly<Record<string, Json>>;
}

/** @throws the signal's reason */
export async function runTrial(parts: TrialParts, clock: LabClock, signal?: AbortSignal): Promise<TrialOutcome> {
  signal?.throwIfAborted();
  const begun = clock.monotonic();
  const outcome = (exitCode: number | null, rows: ProofReport['verdict']['rows'], error?: string): TrialOutcome => {
    const idsOf = (wanted: (status: Status) => boolean): string[] => rows.filter(({ status }) => wanted(status)).map(({ id }) => id);
    const [broken, imperfect] = [idsOf((status) => BROKEN.has(status)), idsOf((status) => !GOOD.has(status))];
    return { exitCode, broken, imperfect, ms: Math.round(clock.monotonic() - begun), ...(error !== undefined && { error }) };
  };
  try {
    const { verdict } = await judge({
      ...parts,
      tool: { name: 'muster', version: 'oracles' },
      reproduce: `muster oracles --seed ${parts.seed}`,
      clock: parts.target.simulated?.clock ?? clock,
      ...(signal && { signal }),
    });
    signal?.throwIfAborted();
    return outcome(verdict.exitCode, verdict.rows);
  } catch (error) {
    signal?.throwIfAborted();
    return outcome(null, [], error instanceof Error ? error.message : String(error));
  }
}

/** The suites with nothing left in them but what must catch the saboteur. @throws RangeError when that is nothing */
export function huntersOf(suites: readonly Suite[], { name, caughtBy }: Pick<Saboteur, 'name' | 'caughtBy'>): Suite[] {
  const hunters = suites.flatMap((suite) => {
    const scenarios = suite.scenarios.filter(({ id }) => `${caughtBy}/`.startsWith(`${id}/`));
    return scenarios.length > 0 ? [{ ...suite, scenarios }] : [];
  });
  if (hunters.length === 0) throw new RangeError(`no scenario is there to catch ${name}: ${caughtBy}`);
  return hunters;
}

/** A trial on virtual time, in words that can be handed to another process. */
export interface SimulatedTrial {
  readonly seed: string;
  /** its name; none: all nodes are healthy */
  readonly saboteur?: string | undefined;
  readonly settings: Readonly<Record<string, Json>>;
}

export type Simulate = (trial: SimulatedTrial, signal?: AbortSignal) => Promise<TrialOutcome>;

export interface SimulatorOptions {
  readonly suites: readonly Suite[];
  /** what healthy nodes must pass */
  readonly healthySuites: readonly Suite[];
  readonly saboteurs?: readonly Saboteur[];
}

/** Runs trials on virtual time in this process. */
export function simulator({ suites, healthySuites, saboteurs = SABOTEURS }: SimulatorOptions, clock: LabClock): Simulate {
  return async ({ seed, saboteur: name, settings }, signal) => {
    const saboteur = name === undefined ? undefined : saboteurs.find((one) => one.name === name);
    if (name !== undefined && !saboteur) throw new RangeError(`there is no saboteur ${name}`);
    const target = simulatedTarget({ seed, ...(saboteur && { compose: withBug(saboteur) }) });
    try {
      return await runTrial({ suites: saboteur ? huntersOf(suites, saboteur) : healthySuites, target, seed, settings }, clock, signal);
    } finally {
      target.simulation.end();
    }
  };
}

/** Nodes, of which the one that the saboteur names has its bug. */
export function withBug(saboteur: Saboteur): Compose {
  return (settings, ports, identity) => {
    const compose = (wrapped: typeof ports) => createNode(settings, wrapped, identity);
    return settings.displayName === saboteur.node ? sabotage(saboteur, compose, ports) : compose(ports);
  };
}
