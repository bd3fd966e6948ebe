/**
 * Where two runs of the same began to mean something else. Nodes have keys of their own and machines their own pace, so that operations are
 * matched by who does what with which input for the how manieth time, and answers by outcome, status, truth and shape; not by values that may differ.
 */
import type { JournalLine } from './journal.ts';
import type { Json } from './json.ts';
import { bootPrefix } from './parts.ts';

export interface Answer {
  readonly outcome: 'ok' | 'fail' | 'info';
  readonly status?: number;
  readonly output?: Json;
  readonly error?: Json;
}

/** One operation that was answered differently, or by one only. */
export interface Divergence {
  /** place among the matched operations of the first run, from 1 */
  readonly place: number;
  readonly process: string;
  readonly surface: string;
  readonly op: string;
  readonly input: Json;
  /** where they differ: `status`, `outcome`, `output/agents/0/name` … */
  readonly at: string;
  /** undefined: it was never asked there */
  readonly answers: readonly [Answer | undefined, Answer | undefined];
}

interface Asked {
  readonly process: string;
  readonly surface: string;
  readonly op: string;
  readonly input: Json;
  answer: Answer | undefined;
}

/** Operations of scenarios with their answers, as a journal streams by; how far nodes are while they come up is left to chance. */
export class AnsweredOperations {
  readonly #open = new Map<string, Asked>();
  readonly #counts = new Map<string, number>();
  #booting = false;
  /** by what makes two the same, in order */
  readonly operations = new Map<string, Asked>();

  add(line: JournalLine): void {
    if (line.type === 'phase' && line.scenario.startsWith(bootPrefix)) this.#booting = line.event === 'begin';
    else if (line.type === 'invoke') {
      if (this.#booting) return;
      const { process, surface, op, input } = line;
      const name = `${process} ${surface} ${op} ${shapeOf(input)}`;
      const count = (this.#counts.get(name) ?? 0) + 1;
      this.#counts.set(name, count);
      const asked: Asked = { process, surface, op, input, answer: undefined };
      this.#open.set(line.id, asked);
      this.operations.set(`${name} ${count}`, asked);
    } else if (line.type === 'ok' || line.type === 'fail' || line.type === 'info') {
      const { type: outcome, status, output, error } = line;
      const asked = this.#open.get(line.id);
      this.#open.delete(line.id);
      if (asked) asked.answer = { outcome, ...(status !== undefined && { status }), ...(output !== undefined && { output }), ...(error !== undefined && { error }) }; // prettier-ignore
    }
  }
}

export interface Comparison {
  /** operations that both did */
  readonly matched: number;
  /** operations that one did more often than the other: how often anything is asked again depends on the pace */
  readonly unmatched: number;
  readonly first?: Divergence;
}

export function compare(one: AnsweredOperations, other: AnsweredOperations): Comparison {
  let matched = 0;
  let first: Divergence | undefined;
  for (const [key, asked] of one.operations) {
    const there = other.operations.get(key);
    if (!there) continue;
    matched++;
    const at = asked.answer && there.answer ? differingAt(asked.answer, there.answer) : asked.answer === there.answer ? undefined : 'outcome';
    if (at === undefined || first) continue;
    const { process, surface, op, input } = asked;
    first = { place: matched, process, surface, op, input, at, answers: [asked.answer, there.answer] };
  }
  const lonely = (mine: AnsweredOperations, theirs: AnsweredOperations): number =>
    [...mine.operations.keys()].filter((key) => !theirs.operations.has(key)).length;
  return { matched, unmatched: lonely(one, other) + lonely(other, one), ...(first && { first }) };
}

function differingAt(one: Answer, other: Answer): string | undefined {
  if (one.outcome !== other.outcome) return 'outcome';
  if (one.status !== other.status) return 'status';
  // What went wrong is told in words of their own.
  return one.outcome === 'ok' ? differingIn(one.output ?? null, other.output ?? null, 'output') : undefined;
}

/** Lists may be longer or shorter: what others have said by then is in them. */
function differingIn(one: Json, other: Json, at: string): string | undefined {
  if (typeOf(one) !== typeOf(other)) return one === null || other === null ? undefined : at;
  if (typeof one === 'boolean') return one === other ? undefined : at;
  if (!isObject(one) || !isObject(other)) return undefined;
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const [a, b] = [one[key], other[key]];
    const found = a === undefined || b === undefined ? `${at}/${key}` : differingIn(a, b, `${at}/${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: Json): string {
  return value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;
}

/** What was asked, without ids and bytes that chance made. */
function shapeOf(input: Json): string {
  return JSON.stringify(input, (_, value: Json) =>
    typeof value === 'string' ? value.replace(/[0-9a-f]{8,}|[\w+/]{24,}={0,2}|\d{5,}/gu, '…') : value,
  );
}
