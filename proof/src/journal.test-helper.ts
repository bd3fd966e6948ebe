/** Test helper: a journal in memory, written by the real writer on a clock of its own. */
import { JournalWriter } from './journal-writer.ts';
import type { CheckLine, JournalEntry, JournalLine, Surface } from './journal.ts';
import type { Claim } from './claim.ts';
import type { Json } from './json.ts';

export const runEntry: JournalEntry = {
  type: 'run',
  stage: 'started',
  runId: 'run-1',
  startedAt: '2026-11-21T00:00:00.000Z',
  tool: { name: 'muster', version: '0.1.0' },
  seed: '42',
  reproduce: 'muster prove --seed 42',
  replay: { level: 'L1', note: 'same decisions' },
  inputs: { suites: ['smoke'] },
  filters: [],
  expectedFailures: [],
  versions: { node: '26.10.0' },
};

export class TestJournal {
  readonly lines: JournalLine[] = [];
  text = '';
  now = 0;
  readonly writer: JournalWriter;
  #operations = 0;

  constructor() {
    const sink = { append: (text: string) => void (this.text += text), flush: () => Promise.resolve() };
    this.writer = new JournalWriter({ sink, elapsed: () => this.now, onLine: (line) => void this.lines.push(line) });
  }

  write(entry: JournalEntry): JournalLine {
    return this.writer.write(entry);
  }

  /** `ms` later */
  after(ms: number): this {
    this.now += ms;
    return this;
  }

  begin(extra: Partial<Extract<JournalEntry, { stage: 'started' }>> = {}): this {
    this.write({ ...(runEntry as Extract<JournalEntry, { stage: 'started' }>), ...extra });
    return this;
  }

  world(
    nodes: readonly { name: string; agentId?: string; version?: string }[],
    capabilities: readonly string[] = [],
    powers: readonly string[] = [],
  ): this {
    const copies = { nodes: [...nodes], capabilities: [...capabilities], powers: [...powers] };
    this.write({ type: 'world', world: 'shared', links: [], surfaces: ['rest'], ...copies });
    return this;
  }

  operation(
    process: string,
    op: string,
    input: Json,
    done?: { type: 'ok' | 'fail' | 'info'; status?: number; output?: Json; error?: Json },
    surface: Surface = 'rest',
  ): string {
    this.#operations += 1;
    const id = `op-${this.#operations}`;
    this.write({ type: 'invoke', id, process, surface, op, input });
    if (done) this.write({ id, ...done });
    return id;
  }

  observe(node: string, stream: string, event: string, data: Json): number {
    return this.write({ type: 'observe', node, stream, event, data }).seq;
  }

  fault(id: string, ...stages: Extract<JournalEntry, { type: 'fault' }>['stage'][]): this {
    for (const stage of stages) this.write({ type: 'fault', id, kind: 'kill', node: 'alice', stage });
    return this;
  }

  /** A MUST over everything written so far, unless `extra` says otherwise. */
  check(id: string, claim: Claim, extra: Partial<Omit<CheckLine, 'type' | 'seq' | 't'>> = {}): CheckLine {
    const range: [number, number] = [1, this.writer.seq];
    return this.write({ type: 'check', id, requirement: `req.${id}`, level: 'MUST', claim, range, ...extra }) as CheckLine;
  }

  finish(): this {
    this.write({ type: 'run', stage: 'finished', outcome: 'complete' });
    return this;
  }
}
