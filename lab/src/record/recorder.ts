/** Writes what the lab and the scenarios do into the run's journal, and answers how a claim stands so far. */
import { judgeCheck, LOGS, type CheckResult, type Claim, type FaultStage, type JournalEntry, type JournalLine, type JournalWriter, type Json, type PhaseName, type Surface } from '@muster/proof'; // prettier-ignore

/** Lines kept in memory for live judgement; beyond them a claim's live status is unknown (the verdict reads the file). Judging twice takes time. */
const LIVE_LINES = 6_000;
/** What says how the run stands as a whole: kept whatever is marked. */
const FRAME: ReadonlySet<JournalLine['type']> = new Set(['run', 'world', 'calibration', 'phase', 'fault']);

export type Outcome = 'ok' | 'fail' | 'info';

/** An operation as it was recorded. `output` is what the surface gave, as it came. */
export interface Operation<Output = unknown> {
  readonly id: string;
  readonly outcome: Outcome;
  /** HTTP status, or exit code on the CLI */
  readonly status?: number | undefined;
  readonly output?: Output | undefined;
  /** why there is no output */
  readonly error?: string | undefined;
  /** ms between its two lines */
  readonly ms: number;
}

/** What running an operation came to, before it is recorded. */
export interface Completion<Output> {
  readonly outcome: Outcome;
  readonly status?: number | undefined;
  readonly output?: Output | undefined;
  readonly error?: string | undefined;
}

export interface Attempt {
  /** name of the node */
  readonly process: string;
  readonly surface: Surface;
  /** capability name */
  readonly op: string;
  readonly input: Json;
}

export interface CheckEntry {
  readonly id: string;
  readonly requirement: string;
  readonly level: 'MUST' | 'SHOULD';
  readonly title?: string;
  readonly claim: Claim;
  /** default: from the mark set last to now */
  readonly range?: readonly [number, number];
  readonly premise?: Claim;
  readonly needsFaults?: readonly string[];
  readonly needsCalibrations?: readonly string[];
  readonly blame?: CheckResult['blame'];
}

/** An operation whose failure leaves a scenario nothing to go on with. */
export class PrerequisiteFailed extends Error {
  override readonly name = 'PrerequisiteFailed';
  readonly operation: Operation;

  constructor(operation: Operation, what: string) {
    super(`${what}: ${operation.error ?? `status ${operation.status}`}`);
    this.operation = operation;
  }
}

export class Recorder {
  readonly #writer: JournalWriter;
  readonly #live: boolean;
  readonly #frame: JournalLine[] = [];
  #lines: JournalLine[] = [];
  #operations = 0;
  #mark = 1;
  #finished = false;

  /** `live`: checks are judged as they are made, too, for who watches */
  constructor(writer: JournalWriter, { live = true }: { readonly live?: boolean } = {}) {
    this.#writer = writer;
    this.#live = live;
  }

  /** `seq` of the last line */
  get seq(): number {
    return this.#writer.seq;
  }

  write(entry: JournalEntry): JournalLine {
    const line = this.#writer.write(entry);
    if (line.type === 'run') this.#finished = line.stage === 'finished';
    if (FRAME.has(line.type)) this.#frame.push(line);
    else if (this.#lines.length < LIVE_LINES) this.#lines.push(line);
    return line;
  }

  /** Checks read from here on unless they say otherwise; lines before it are no longer kept in memory. */
  mark(): number {
    this.#lines = [];
    this.#mark = this.seq + 1;
    return this.#mark;
  }

  /** From now on the text never appears in the journal. */
  secret(text: string): void {
    this.#writer.addSecret(text);
  }

  /** Runs one operation between an `invoke` line and its completion. What `run` throws is recorded as `info` and thrown on. */
  async operation<Output>(attempt: Attempt, run: () => Promise<Completion<Output>>): Promise<Operation<Output>> {
    const id = `op-${++this.#operations}`;
    const begun = this.write({ type: 'invoke', id, ...attempt });
    let done: Completion<Output>;
    try {
      done = await run();
    } catch (error) {
      this.write({ type: 'info', id, error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    const { outcome, status, output, error } = done;
    const line = this.write({
      type: outcome,
      id,
      ...(status !== undefined && { status }),
      ...(output !== undefined && { output: output as Json }),
      ...(error !== undefined && { error }),
    });
    return { id, outcome, status, output, error, ms: line.t - begun.t };
  }

  observe(node: string, stream: string, event: string, data: Json): JournalLine {
    return this.write({ type: 'observe', node, stream, event, data });
  }

  /** A line of a node's log: for people, and nothing that a claim is judged by. */
  log(node: string, data: Json): void {
    // Nodes may outlive what is recorded of them.
    if (this.#finished) return;
    this.#writer.write({ type: 'observe', node, stream: LOGS, event: 'line', data });
  }

  fault(id: string, kind: string, node: string, stage: FaultStage, evidence?: Json): void {
    this.write({ type: 'fault', id, kind, node, stage, ...(evidence !== undefined && { evidence }) });
  }

  phase(scenario: string, phase: PhaseName, event: 'begin' | 'end' | 'crash' | 'timeout', detail: { message?: string; node?: string } = {}): void {
    this.write({ type: 'phase', scenario, phase, event, ...detail });
  }

  /** Records the check; the status that comes back is for live progress and undefined when nobody watches, or too much has happened to tell. */
  check({ range, needsFaults, needsCalibrations, blame, ...entry }: CheckEntry): CheckResult | undefined {
    const [from, to] = range ?? [Math.min(this.#mark, this.seq), this.seq];
    const data = {
      ...entry,
      type: 'check' as const,
      range: [from, to] as [number, number],
      ...(needsFaults && { needsFaults: [...needsFaults] }),
      ...(needsCalibrations && { needsCalibrations: [...needsCalibrations] }),
      ...(blame && { blame }),
    };
    const result = this.#judge(data, from);
    this.write({ ...data, ...(result && { status: result.status }) });
    return result;
  }

  #judge(entry: Extract<JournalEntry, { type: 'check' }>, from: number): CheckResult | undefined {
    if (!this.#live || this.#lines.length >= LIVE_LINES || from < Math.min(this.#mark, this.seq)) return undefined;
    return judgeCheck({ ...entry, seq: this.seq + 1, t: 0 }, [...this.#frame, ...this.#lines]);
  }
}
