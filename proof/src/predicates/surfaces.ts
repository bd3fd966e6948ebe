/** Predicates over the surfaces of a node: one capability answers the same on each, and none was left out. */
import { z } from 'zod';
import { type Json, sameJson, show } from '../json.ts';
import type { JournalLine } from '../journal.ts';
import { fails, inconclusive, pass, type Predicate } from './predicate.ts';
import { type Operation, operationLines, OperationPairs, ReferenceReader } from './recorded.ts';

interface SameAnswer {
  readonly left: string;
  readonly right: string;
  /** dotted fields of the output that may differ; a step into a list means each item; `*` is everything */
  readonly volatile: readonly string[];
}

/**
 * Two operations by different surfaces came to the same: both were done and their outputs are equal, or both were refused
 * and say the same. What only a surface adds is left out: the `ok` of JSON, the line break after a text, the exit code.
 */
export const sameAnswer: Predicate<SameAnswer> = {
  name: 'same-answer',
  params: z.strictObject({ left: z.string(), right: z.string(), volatile: z.array(z.string()) }),
  start({ left, right, volatile }) {
    const reader = new ReferenceReader([left, right].map((op) => ({ op, at: '' })));
    return {
      interest: reader.interest,
      line: (line: JournalLine) => reader.line(line),
      result() {
        const [one, other] = [reader.operation(left), reader.operation(right)];
        if (!one || !other) return inconclusive('harness', `operations ${left} and ${right} are not both in the range of the check`);
        const evidence = [one, other].map(({ completed, invoked }) => completed ?? invoked);
        const names = `${one.op} by ${one.surface} and ${other.surface}`;
        if (one.outcome !== other.outcome) return fails(`${names}: ${said(one)}, and ${said(other)}`, evidence);
        if (one.outcome !== 'ok' && one.outcome !== 'fail') return fails(`${names}: neither is known to have been answered`, evidence);
        const [first, second] = [one, other].map((operation) => (one.outcome === 'ok' ? answerOf(operation, volatile) : refusalOf(operation)));
        if (sameJson(first, second)) return pass(`${names}: ${one.outcome === 'ok' ? 'the same answer' : `refused alike: ${show(first)}`}`, evidence);
        return fails(`${names}: ${difference(first, second)}`, evidence);
      },
    };
  },
};

function said({ outcome, surface, output, error }: Operation): string {
  return `${surface} ${outcome === 'ok' ? 'did it' : `said ${outcome}: ${show(output ?? error)}`}`;
}

function answerOf({ output }: Operation, volatile: readonly string[]): Json {
  if (volatile.includes('*')) return Array.isArray(output) ? 'list' : typeof output;
  if (output === undefined || output === null || output === '') return {};
  if (typeof output === 'string') return output.replace(/\n$/u, '');
  if (typeof output !== 'object' || Array.isArray(output)) return output;
  const { ok: _, ...fields } = output as { readonly [key: string]: Json };
  return volatile.reduce<Json>((value, path) => without(value, path.split('.')), fields);
}

/** The stated reason; what a surface says of its own beside it does not count. */
function refusalOf({ output, error }: Operation): Json {
  if (typeof output === 'string') return { error: output.replace(/\n$/u, '') };
  if (typeof output !== 'object' || output === null || Array.isArray(output)) return { error: error ?? null };
  const { ok: _, ...fields } = output as { readonly [key: string]: Json };
  return fields;
}

function without(value: Json, [step, ...rest]: readonly string[]): Json {
  if (typeof value !== 'object' || value === null || step === undefined) return value;
  if (Array.isArray(value)) return value.map((item: Json) => without(item, [step, ...rest]));
  const entries = Object.entries(value as { readonly [key: string]: Json });
  if (rest.length === 0) return Object.fromEntries(entries.filter(([name]) => name !== step));
  return Object.fromEntries(entries.map(([name, inner]) => [name, name === step ? without(inner, rest) : inner]));
}

/** The first place where two values differ, for whoever reads the report. */
function difference(one: unknown, other: unknown, path = ''): string {
  if (typeof one === 'object' && typeof other === 'object' && one && other && Array.isArray(one) === Array.isArray(other)) {
    const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
    const key = [...new Set([...Object.keys(left), ...Object.keys(right)])].find((name) => !sameJson(left[name] ?? null, right[name] ?? null));
    if (key !== undefined) return difference(left[key], right[key], path === '' ? key : `${path}.${key}`);
  }
  return `${path === '' ? 'the answer' : path}: ${show(one)} is not ${show(other)}`;
}

interface Answered {
  readonly operations: readonly { readonly op: string; readonly surface: string }[];
}

/** Each of these capabilities was done at least once on its surface; an operation that was refused does not count. */
export const answered: Predicate<Answered> = {
  name: 'answered',
  params: z.strictObject({ operations: z.array(z.strictObject({ op: z.string(), surface: z.string() })).min(1) }),
  start({ operations }) {
    const wanted = new Set(operations.map(({ op, surface }) => `${op} by ${surface}`));
    const missing = new Set(wanted);
    const pairs = new OperationPairs(({ op, surface }) => wanted.has(`${op} by ${surface}`));
    return {
      interest: { types: [...operationLines] },
      line(line) {
        const operation = pairs.line(line);
        if (operation?.outcome === 'ok') missing.delete(`${operation.op} by ${operation.surface}`);
      },
      result: () =>
        missing.size === 0
          ? pass(`${wanted.size} of ${wanted.size} answered`)
          : fails(`${missing.size} of ${wanted.size} never answered: ${[...missing].join(', ')}`),
    };
  },
};
