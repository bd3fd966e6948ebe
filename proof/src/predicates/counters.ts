/** Counter honesty: what nodes count must agree with what was recorded. */
import { z } from 'zod';
import { type Observations, observationsSchema, type Operations, operationsSchema } from '../claim.ts';
import { type JsonPointer, show, valueAt } from '../json.ts';
import type { JournalLine, ObserveLine } from '../journal.ts';
import { fails, type Judgement, pass, type Predicate } from './predicate.ts';
import { mayPick, operationLines, OperationPairs, picksObservation, picksOperation } from './recorded.ts';

const times = z.number().optional();
const termSchema = z.union([
  z.strictObject({ counter: observationsSchema, at: z.string(), take: z.enum(['last', 'growth']), times }),
  z.strictObject({ operations: operationsSchema, times }),
  z.strictObject({ observations: observationsSchema, times }),
  z.strictObject({ number: z.number() }),
]);

/**
 * One summand.
 * - `counter`: the number at `at` in the last snapshot picked, or its growth from the first to the last
 * - `operations`: how many were `ok`; those without an answer widen it to a range
 * - `observations`: how many were picked
 * - `number`: a literal
 * `times` multiplies (copies per message).
 */
export type Term = z.infer<typeof termSchema>;
/** Inclusive bounds of a sum. */
type Bounds = readonly [low: number, high: number];

interface Tally {
  line(line: JournalLine): void;
  result(): { readonly bounds: Bounds; readonly evidence: readonly number[] } | Judgement;
}

export const countersAgree: Predicate<{ left: Term[]; right: Term[] }> = {
  name: 'counters-agree',
  params: z.strictObject({ left: z.array(termSchema).min(1), right: z.array(termSchema).min(1) }),
  start({ left, right }) {
    const sides = [left.map(tallyOf), right.map(tallyOf)];
    return {
      interest: { types: [...operationLines, 'observe'] },
      line(line) {
        for (const side of sides) for (const tally of side) tally.line(line);
      },
      result() {
        const sums: Bounds[] = [];
        const evidence: number[] = [];
        for (const side of sides) {
          let sum: Bounds = [0, 0];
          for (const tally of side) {
            const counted = tally.result();
            if ('status' in counted) return counted;
            sum = [sum[0] + counted.bounds[0], sum[1] + counted.bounds[1]];
            evidence.push(...counted.evidence);
          }
          sums.push(sum);
        }
        const [one = [0, 0], other = [0, 0]] = sums;
        const agree = one[0] <= other[1] && other[0] <= one[1];
        const message = `${range(one)} against ${range(other)}`;
        return agree ? pass(message, evidence) : fails(message, evidence);
      },
    };
  },
};

function range([low, high]: Bounds): string {
  return low === high ? String(low) : `${low}–${high}`;
}

function scaled(bounds: Bounds, factor = 1): Bounds {
  return [bounds[0] * factor, bounds[1] * factor];
}

function tallyOf(term: Term): Tally {
  if ('number' in term) return { line() {}, result: () => ({ bounds: [term.number, term.number], evidence: [] }) };
  if ('counter' in term) return counterTally(term.counter, term.at, term.take, term.times);
  return 'operations' in term ? operationsTally(term.operations, term.times) : observationsTally(term.observations, term.times);
}

function counterTally(select: Observations, at: JsonPointer, take: 'last' | 'growth', factor?: number): Tally {
  let first: ObserveLine | undefined;
  let last: ObserveLine | undefined;
  return {
    line(line) {
      if (line.type !== 'observe' || !picksObservation(select, line)) return;
      first ??= line;
      last = line;
    },
    result() {
      if (!first || !last) return fails(`no counter snapshot matches ${show(select)}`);
      const [before, after] = [valueAt(first.data, at), valueAt(last.data, at)];
      const evidence = [first.seq, last.seq];
      if (typeof before !== 'number' || typeof after !== 'number') return fails(`${at} is not a number`, evidence);
      const value = take === 'last' ? after : after - before;
      return { bounds: scaled([value, value], factor), evidence };
    },
  };
}

function operationsTally(select: Operations, factor?: number): Tally {
  const pairs = new OperationPairs((invoke) => mayPick(select, invoke));
  let sure = 0;
  let unknown = 0;
  return {
    line(line) {
      const operation = pairs.line(line);
      if (!operation || !picksOperation(select, operation)) return;
      if (operation.outcome === 'ok') sure += 1;
      else if (operation.outcome === 'info') unknown += 1;
    },
    result() {
      const open = pairs.pending().filter((operation) => picksOperation(select, operation)).length;
      return { bounds: scaled([sure, sure + unknown + open], factor), evidence: [] };
    },
  };
}

function observationsTally(select: Observations, factor?: number): Tally {
  let count = 0;
  return {
    line(line) {
      if (line.type === 'observe' && picksObservation(select, line)) count += 1;
    },
    result: () => ({ bounds: scaled([count, count], factor), evidence: [] }),
  };
}
