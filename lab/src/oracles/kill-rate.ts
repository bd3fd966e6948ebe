/** How good the suites of a run are, as far as that was measured: it stands beside what they say. */
import { killRateCalibration, type PlantedBug } from '@muster/proof';
import type { Recorder } from '../record/recorder.ts';

/** Which planted bugs these suites caught, and when that was seen. */
export interface KillRate {
  readonly bugs: readonly PlantedBug[];
  /** ISO 8601 UTC */
  readonly measuredAt: string;
}

export function recordKillRate(recorder: Recorder, { bugs, measuredAt }: KillRate): void {
  const caught = bugs.filter((bug) => bug.caught).length;
  const share = Math.round((caught / bugs.length) * 1_000) / 1_000;
  recorder.write({ type: 'calibration', name: killRateCalibration, measured: share, unit: 'share', within: [1, null] });
  const told = bugs.map(({ name, plants, caughtBy, caught: seen }) => ({ name, plants, caught_by: caughtBy, caught: seen }));
  recorder.observe('lab', 'oracles', killRateCalibration, { planted: bugs.length, caught, measured_at: measuredAt, bugs: told });
}
