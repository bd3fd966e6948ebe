/** Recorded operations and observations: pairing, selection, and values by reference. */
import type { Condition, Observations, Operations, Reference } from '../claim.ts';
import { type Json, sameJson, show, valueAt } from '../json.ts';
import type { CompletionLine, InvokeLine, JournalLine, LineType, ObserveLine } from '../journal.ts';
import { inconclusive, fails, type Interest, type Judgement } from './predicate.ts';

export const operationLines: readonly LineType[] = ['invoke', 'ok', 'fail', 'info'];

/** One operation as references see it. `pending`: the journal holds no completion. */
export interface Operation {
  readonly id: string;
  readonly process: string;
  readonly surface: string;
  readonly op: string;
  readonly input: Json;
  readonly outcome: 'ok' | 'fail' | 'info' | 'pending';
  readonly status?: number | undefined;
  readonly output?: Json | undefined;
  readonly error?: Json | undefined;
  readonly invoked: number;
  readonly completed?: number | undefined;
}

function operationOf(invoke: InvokeLine, completion: CompletionLine | undefined): Operation {
  const { id, process, surface, op, input, seq: invoked } = invoke;
  if (!completion) return { id, process, surface, op, input, invoked, outcome: 'pending' };
  const { type: outcome, status, output, error, seq: completed } = completion;
  return { id, process, surface, op, input, invoked, outcome, status, output, error, completed };
}

/** Pairs invocations with completions as they stream by; holds only what is still open. */
export class OperationPairs {
  readonly #open = new Map<string, InvokeLine>();
  readonly #wanted: (invoke: InvokeLine) => boolean;

  constructor(wanted: (invoke: InvokeLine) => boolean = () => true) {
    this.#wanted = wanted;
  }

  /** The operation that this line completes. */
  line(line: JournalLine): Operation | undefined {
    if (line.type === 'invoke') {
      if (this.#wanted(line)) this.#open.set(line.id, line);
      return undefined;
    }
    if (line.type !== 'ok' && line.type !== 'fail' && line.type !== 'info') return undefined;
    const invoke = this.#open.get(line.id);
    if (!invoke) return undefined;
    this.#open.delete(line.id);
    return operationOf(invoke, line);
  }

  /** Operations without a completion in the range. */
  pending(): Operation[] {
    return [...this.#open.values()].map((invoke) => operationOf(invoke, undefined));
  }
}

export function holds({ at, equals, in: options }: Condition, root: unknown): boolean {
  const value = valueAt(root, at);
  if (value === undefined) return false;
  if (equals !== undefined && !sameJson(value, equals)) return false;
  return options === undefined || options.some((option) => sameJson(value, option));
}

export function picksObservation(select: Observations, line: ObserveLine): boolean {
  return (
    (select.nodes === undefined || select.nodes.includes(line.node)) &&
    (select.stream === undefined || select.stream === line.stream) &&
    (select.event === undefined || select.event === line.event) &&
    (select.where === undefined || select.where.every((condition) => holds(condition, line.data)))
  );
}

/** The part of a selection that is known at invocation; `where` may also need the completion. */
export function mayPick(select: Operations, { process, surface, op }: InvokeLine | Operation): boolean {
  return (
    (select.processes === undefined || select.processes.includes(process)) &&
    (select.surface === undefined || select.surface === surface) &&
    (select.op === undefined || select.op === op)
  );
}

export function picksOperation(select: Operations, operation: Operation): boolean {
  return mayPick(select, operation) && (select.where === undefined || select.where.every((condition) => holds(condition, operation)));
}

/** A value that was found, and the lines it stands on. */
export interface Found {
  readonly value: Json;
  readonly evidence: readonly number[];
}

/** Collects what references point at, in one pass. */
export class ReferenceReader {
  readonly interest: Interest;
  readonly #references: readonly Reference[];
  readonly #invokes = new Map<string, InvokeLine>();
  readonly #completions = new Map<string, CompletionLine>();
  readonly #lines = new Map<number, JournalLine>();
  readonly #observed = new Map<Reference, ObserveLine>();

  constructor(references: readonly Reference[]) {
    this.#references = references.filter((reference) => 'observe' in reference);
    this.interest = {
      ops: references.flatMap((reference) => ('op' in reference ? [reference.op] : [])),
      seqs: references.flatMap((reference) => ('seq' in reference ? [reference.seq] : [])),
      types: this.#references.length > 0 ? ['observe'] : [],
    };
  }

  line(line: JournalLine): void {
    if (this.interest.seqs?.includes(line.seq)) this.#lines.set(line.seq, line);
    if (line.type === 'observe') {
      for (const reference of this.#references) {
        if (!('observe' in reference) || !picksObservation(reference.observe, line)) continue;
        if (reference.pick === 'last' || !this.#observed.has(reference)) this.#observed.set(reference, line);
      }
    } else if (line.type === 'invoke' && this.interest.ops?.includes(line.id)) this.#invokes.set(line.id, line);
    else if (line.type === 'ok' || line.type === 'fail' || line.type === 'info') {
      if (this.interest.ops?.includes(line.id)) this.#completions.set(line.id, line);
    }
  }

  operation(id: string): Operation | undefined {
    const invoke = this.#invokes.get(id);
    return invoke && operationOf(invoke, this.#completions.get(id));
  }

  /** The value and its lines, or the judgement that its absence amounts to. */
  read(reference: Reference): Found | Judgement {
    const found = this.find(reference);
    if ('status' in found || found.value !== undefined) return found as Found | Judgement;
    return fails(`${found.name} is absent`, found.evidence);
  }

  /** As `read`, but an absent value is reported as `value: undefined`. */
  find(reference: Reference): { readonly value: Json | undefined; readonly name: string; readonly evidence: readonly number[] } | Judgement {
    if ('value' in reference) return { value: reference.value, name: 'the literal', evidence: [] };
    if ('seq' in reference) {
      const line = this.#lines.get(reference.seq);
      if (!line) return inconclusive('harness', `line ${reference.seq} is outside the range of the check`);
      return { value: valueAt(line, reference.at), name: `line ${reference.seq} ${reference.at}`, evidence: [line.seq] };
    }
    if ('observe' in reference) {
      const line = this.#observed.get(reference);
      if (!line) return fails(`nothing observed matches ${show(reference.observe)}`);
      return { value: valueAt(line.data, reference.at), name: `${line.event} ${reference.at}`, evidence: [line.seq] };
    }
    const operation = this.operation(reference.op);
    if (!operation) return inconclusive('harness', `operation ${reference.op} is not in the range of the check`);
    const evidence = operation.completed === undefined ? [operation.invoked] : [operation.completed];
    const value = valueAt(operation, reference.at);
    if (value === undefined && (operation.outcome === 'info' || operation.outcome === 'pending')) {
      return fails(`${operation.op} had no answer`, evidence);
    }
    return { value, name: `${operation.op} ${reference.at}`, evidence };
  }
}
