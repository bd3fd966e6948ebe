/** What the journal as a whole says about a run: gathered in a first pass, small whatever the length of the journal. */
import { type Json, valueAt } from './json.ts';
import type { CalibrationLine, FaultLine, FaultStage, JournalLine, PhaseLine, RunStarted, WorldLine } from './journal.ts';

export interface FaultRecord {
  readonly id: string;
  readonly kind: string;
  readonly node: string;
  readonly stages: ReadonlyMap<FaultStage, FaultLine>;
}

/** A bug that was planted to see whether the suites catch it. */
export interface PlantedBug {
  readonly name: string;
  /** what it does */
  readonly plants: string;
  /** the check that has to fail */
  readonly caughtBy: string;
  readonly caught: boolean;
}

/** Name of the calibration that holds the share of planted bugs caught, and of the observation that names each. */
export const killRateCalibration = 'oracle-kill-rate';

export class Frame {
  run: RunStarted | undefined;
  finished: 'complete' | 'interrupted' | undefined;
  readonly worlds: WorldLine[] = [];
  readonly calibrations = new Map<string, CalibrationLine>();
  plantedBugs: readonly PlantedBug[] = [];
  /** by scenario, in order */
  readonly phases = new Map<string, PhaseLine[]>();
  /** `seq` and `t` of the last line */
  lastSeq = 0;
  duration = 0;
  readonly #faults = new Map<string, FaultRecord>();
  readonly #stages = new Map<string, Map<FaultStage, FaultLine>>();
  readonly #nodeByAgent = new Map<string, string>();

  add(line: JournalLine): void {
    this.lastSeq = line.seq;
    this.duration = line.t;
    if (line.type === 'run') {
      if (line.stage === 'started') this.run ??= line;
      else this.finished = line.outcome;
    } else if (line.type === 'world') {
      this.worlds.push(line);
      for (const node of line.nodes) if (node.agentId) this.#nodeByAgent.set(node.agentId, node.name);
    } else if (line.type === 'calibration') this.calibrations.set(line.name, line);
    else if (line.type === 'observe' && line.node === 'lab' && line.event === killRateCalibration) this.plantedBugs = bugsIn(line.data);
    else if (line.type === 'fault') this.#addFault(line);
    else if (line.type === 'phase') {
      const lines = this.phases.get(line.scenario);
      if (lines) lines.push(line);
      else this.phases.set(line.scenario, [line]);
    }
  }

  get faults(): ReadonlyMap<string, FaultRecord> {
    return this.#faults;
  }

  /** A node's name, given its name or its agent id. */
  nodeName(nameOrAgentId: string): string {
    return this.#nodeByAgent.get(nameOrAgentId) ?? nameOrAgentId;
  }

  /** The stages a fault had reached before line `seq`. */
  stagesOf(fault: string, seq: number): ReadonlyMap<FaultStage, FaultLine> {
    const stages = this.faults.get(fault)?.stages ?? new Map<FaultStage, FaultLine>();
    return new Map([...stages].filter(([, line]) => line.seq < seq));
  }

  worldsBefore(seq: number): readonly WorldLine[] {
    return this.worlds.filter((world) => world.seq < seq);
  }

  phasesBefore(scenario: string, seq: number): readonly PhaseLine[] {
    return (this.phases.get(scenario) ?? []).filter((line) => line.seq < seq);
  }

  #addFault(line: FaultLine): void {
    const stages = this.#stages.get(line.id) ?? new Map<FaultStage, FaultLine>();
    this.#stages.set(line.id, stages);
    if (stages.size === 0) this.#faults.set(line.id, { id: line.id, kind: line.kind, node: line.node, stages });
    if (!stages.has(line.stage)) stages.set(line.stage, line);
  }
}

function bugsIn(data: Json): PlantedBug[] {
  const bugs = valueAt(data, '/bugs');
  return (Array.isArray(bugs) ? bugs : []).flatMap((bug: Json) => {
    const [name, plants, caughtBy, caught] = ['/name', '/plants', '/caught_by', '/caught'].map((path) => valueAt(bug, path));
    const whole = typeof name === 'string' && typeof plants === 'string' && typeof caughtBy === 'string' && typeof caught === 'boolean';
    return whole ? [{ name, plants, caughtBy, caught }] : [];
  });
}

/** Whether a calibration's measurement lies within its tolerance. */
export function withinTolerance({ measured, within: [low, high] }: CalibrationLine): boolean {
  return (low === null || measured >= low) && (high === null || measured <= high);
}
