/** `proof-report.json` and the other documents that follow from the journal alone, byte for byte. */
import { type Evaluated } from './evaluate.ts';
import { type CalibrationLine, faultStages, type FaultStage, type RunStarted, type WorldLine } from './journal.ts';
import { killRateCalibration, type PlantedBug, withinTolerance } from './frame.ts';
import { type PartTime, partsOf } from './parts.ts';
import { judge, type Verdict } from './verdict.ts';

/** Raised when a derived document changes its form; a bundle is compared only by the form it was written in. */
export const bundleFormat = 6;

export interface FaultSummary {
  readonly id: string;
  readonly kind: string;
  readonly node: string;
  /** ms since the run began, by stage reached */
  readonly stages: Readonly<Partial<Record<FaultStage, number>>>;
}

export interface PhaseSpan {
  readonly scenario: string;
  readonly phase: string;
  readonly end: string;
  /** ms since the run began */
  readonly from: number;
  /** ms */
  readonly duration: number;
}

export interface ProofReport {
  readonly format: number;
  readonly run: Omit<RunStarted, 'seq' | 't' | 'type' | 'stage'> | null;
  /** lines in the journal, and the `t` of the last */
  readonly journal: { readonly lines: number; readonly duration: number };
  readonly verdict: Verdict;
  readonly worlds: readonly Omit<WorldLine, 'seq' | 't' | 'type'>[];
  readonly calibrations: readonly (Omit<CalibrationLine, 'seq' | 't' | 'type'> & { readonly ok: boolean })[];
  /** share of planted bugs that the suites caught, where it is known */
  readonly killRate: number | null;
  /** each of them */
  readonly plantedBugs: readonly PlantedBug[];
  readonly faults: readonly FaultSummary[];
  readonly phases: readonly PhaseSpan[];
  /** boot and suites; what bundling took is not known before the bundle is there */
  readonly parts: readonly PartTime[];
}

export function reportOf(evaluated: Evaluated): ProofReport {
  const { frame } = evaluated;
  const calibrations = [...frame.calibrations.values()].map((line) => ({ ...unstamped(line), ok: withinTolerance(line) }));
  return {
    format: bundleFormat,
    run: frame.run ? runOf(frame.run) : null,
    journal: { lines: frame.lastSeq, duration: frame.duration },
    verdict: judge(evaluated),
    worlds: frame.worlds.map(unstamped),
    calibrations,
    killRate: frame.calibrations.get(killRateCalibration)?.measured ?? null,
    plantedBugs: frame.plantedBugs,
    faults: [...frame.faults.values()].map(({ id, kind, node, stages }) => ({
      id,
      kind,
      node,
      stages: Object.fromEntries(faultStages.flatMap((stage) => (stages.has(stage) ? [[stage, stages.get(stage)!.t]] : []))),
    })),
    phases: phaseSpans(evaluated),
    parts: partsOf(frame),
  };
}

/** Whether any world of the run has a node of that name with that agent id. */
export function isAgentOf({ worlds }: ProofReport, name: string, agentId: string): boolean {
  return worlds.some(({ nodes }) => nodes.some((node) => node.name === name && node.agentId === agentId));
}

function unstamped<L extends { seq: number; t: number; type: string }>(line: L): Omit<L, 'seq' | 't' | 'type'> {
  const { seq: _seq, t: _t, type: _type, ...rest } = line;
  return rest;
}

function runOf(line: RunStarted): Omit<RunStarted, 'seq' | 't' | 'type' | 'stage'> {
  const { stage: _stage, ...rest } = unstamped(line);
  return rest;
}

function phaseSpans({ frame }: Evaluated): PhaseSpan[] {
  const spans: PhaseSpan[] = [];
  for (const lines of frame.phases.values()) {
    for (const [index, begin] of lines.entries()) {
      if (begin.event !== 'begin') continue;
      const end = lines.slice(index + 1).find(({ phase, event }) => phase === begin.phase && event !== 'begin');
      const until = end?.t ?? frame.duration;
      const duration = Math.round((until - begin.t) * 1000) / 1000;
      spans.push({ scenario: begin.scenario, phase: begin.phase, end: end?.event ?? 'open', from: begin.t, duration });
    }
  }
  return spans;
}

/** Two spaces and a final newline, as all JSON documents of a bundle. */
export function documentText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** What the run was given: `data/inputs.json`. */
export function inputsOf({ run }: ProofReport): unknown {
  return run;
}

/** What it ran on, and what the lab measured about itself: `data/world.json`. */
export function worldOf({ worlds, calibrations }: ProofReport): unknown {
  return { worlds, calibrations };
}
