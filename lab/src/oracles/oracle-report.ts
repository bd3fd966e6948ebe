/** What came of putting the suites themselves to the proof, as JSON. */

/** `sim`: on virtual time; `local`: daemons on this host */
export type OracleWorld = 'sim' | 'local';

/** One planted bug, and whether the suites saw it. */
export interface SaboteurResult {
  readonly saboteur: string;
  /** what its bug does */
  readonly plants: string;
  readonly world: OracleWorld;
  /** the node that had it */
  readonly node: string;
  /** beginning of the id of a check that had to fail */
  readonly caughtBy: string;
  readonly caught: boolean;
  /** ids of the checks that failed */
  readonly failed: readonly string[];
  /** of the run; null when there was no verdict */
  readonly exitCode: number | null;
  readonly ms: number;
  /** why there was no verdict */
  readonly error?: string;
}

/** One run against nodes without a bug; anything but a pass is a false alarm. */
export interface HealthyRun {
  readonly seed: string;
  readonly world: OracleWorld;
  readonly passed: boolean;
  /** ids of the checks that did not pass */
  readonly failed: readonly string[];
  readonly exitCode: number | null;
  readonly ms: number;
  readonly error?: string;
}

export interface OracleReport {
  readonly saboteurs: readonly SaboteurResult[];
  readonly healthy: readonly HealthyRun[];
  /** caught / planted, 0 to 1; null when none was planted */
  readonly killRate: number | null;
  /** true: every bug was caught and there was no false alarm */
  readonly ok: boolean;
}

export function oracleReport(saboteurs: readonly SaboteurResult[], healthy: readonly HealthyRun[]): OracleReport {
  const caught = saboteurs.filter((result) => result.caught).length;
  return {
    saboteurs,
    healthy,
    killRate: saboteurs.length === 0 ? null : caught / saboteurs.length,
    ok: saboteurs.length + healthy.length > 0 && caught === saboteurs.length && healthy.every(({ passed }) => passed),
  };
}
