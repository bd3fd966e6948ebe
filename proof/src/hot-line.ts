/**
 * The lines that a history is made of, recognised without the schema: a few comparisons in place of a parser, for
 * histories of millions of operations. Says yes only to what the schema accepts unchanged; the schema decides about the rest.
 */
import { type JournalLine, surfaces } from './journal.ts';

const surfaceNames: ReadonlySet<unknown> = new Set(surfaces);

export function isHotLine(value: unknown): value is JournalLine {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const line = value as Readonly<Record<string, unknown>>;
  if (!Number.isSafeInteger(line.seq) || (line.seq as number) < 1) return false;
  if (!Number.isFinite(line.t) || (line.t as number) < 0) return false;
  switch (line.type) {
    case 'invoke':
      return (
        isName(line.id) &&
        typeof line.process === 'string' &&
        typeof line.op === 'string' &&
        surfaceNames.has(line.surface) &&
        line.input !== undefined &&
        keysOf(line) === 8
      );
    case 'ok':
    case 'fail':
    case 'info':
      return isName(line.id) && (line.status === undefined || Number.isSafeInteger(line.status)) && keysOf(line) === 4 + given(line);
    case 'observe':
      return (
        typeof line.node === 'string' &&
        typeof line.stream === 'string' &&
        typeof line.event === 'string' &&
        line.data !== undefined &&
        keysOf(line) === 7
      );
    default:
      return false;
  }
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function given({ status, output, error }: Readonly<Record<string, unknown>>): number {
  return (status === undefined ? 0 : 1) + (output === undefined ? 0 : 1) + (error === undefined ? 0 : 1);
}

function keysOf(line: object): number {
  let count = 0;
  for (const key in line) if (Object.hasOwn(line, key)) count += 1;
  return count;
}

/** true: writing it as JSON and reading it back gives an equal value */
export function isPlainJson(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object': {
      if (value === null) return true;
      if (Array.isArray(value)) {
        // By index: a hole reads as undefined, which is not plain.
        for (let index = 0; index < value.length; index++) if (!isPlainJson(value[index])) return false;
        return keysOf(value) === value.length;
      }
      if (Object.getPrototypeOf(value) !== Object.prototype || 'toJSON' in value) return false;
      for (const key in value) if (!isPlainJson((value as Record<string, unknown>)[key])) return false;
      return Object.getOwnPropertySymbols(value).length === 0;
    }
    default:
      return false;
  }
}
