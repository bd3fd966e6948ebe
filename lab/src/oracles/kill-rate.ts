/** How good the suites of a run are, as far as that was measured: it stands beside what they say. */
import { killRateCalibration } from '@muster/proof';
import type { Recorder } from '../record/recorder.ts';

/** How many planted bugs these suites caught, and when that was seen. */
export interface KillRate {
  readonly planted: number;
  readonly caught: number;
  /** ISO 8601 UTC */
  readonly measuredAt: string;
}

export function recordKillRate(recorder: Recorder, { planted, caught, measuredAt }: KillRate): void {
  const share = Math.round((caught / planted) * 1_000) / 1_000;
  recorder.write({ type: 'calibration', name: killRateCalibration, measured: share, unit: 'share', within: [1, null] });
  recorder.observe('lab', 'oracles', 'kill rate', { planted, caught, measured_at: measuredAt });
}
