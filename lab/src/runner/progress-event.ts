import type { CheckResult, ProofReport } from '@muster/proof';
import type { Plan, PlannedWorld } from './plan.ts';
import type { Scenario } from './scenario.ts';

/** What a run tells while it runs. Statuses here are for the eye; the verdict is the report's. */
export type ProgressEvent =
  | { readonly type: 'planned'; readonly plan: Plan; readonly seed: string }
  | { readonly type: 'booting'; readonly world: PlannedWorld }
  | { readonly type: 'booted'; readonly world: PlannedWorld; readonly bootMs: number | undefined }
  | { readonly type: 'begun'; readonly scenario: Scenario }
  /** `result` is undefined when too much has happened to judge on the way */
  | { readonly type: 'checked'; readonly scenario: Scenario; readonly check: string; readonly result: CheckResult | undefined }
  | { readonly type: 'ended'; readonly scenario: Scenario; readonly outcome: ScenarioOutcome; readonly ms: number; readonly message?: string }
  | { readonly type: 'bundling' }
  | {
      readonly type: 'finished';
      readonly report: ProofReport;
      readonly bundle: string;
      readonly unsigned: readonly { name: string; reason: string }[];
    };

/** `stopped`: a prerequisite was refused, which is claimed as a failure of its own. */
export type ScenarioOutcome = 'complete' | 'stopped' | 'crash' | 'timeout' | 'skipped';

export type Observer = (event: ProgressEvent) => void;
