/** Predicates over what nodes said on their own. */
import { z } from 'zod';
import { type Observations, observationsSchema, type Reference, referenceSchema } from '../claim.ts';
import { type Json, type JsonPointer, sameJson, show, valueAt } from '../json.ts';
import type { ObserveLine } from '../journal.ts';
import { fails, pass, type Predicate } from './predicate.ts';
import { picksObservation, ReferenceReader } from './recorded.ts';

const kept = 20;

function countPredicate<P extends { observe: Observations }>(
  name: string,
  params: z.ZodType<P>,
  bounds: (params: P) => readonly [number, number],
): Predicate<P> {
  return {
    name,
    params,
    start(given) {
      const [least, most] = bounds(given);
      const seen: number[] = [];
      let count = 0;
      return {
        interest: { types: ['observe'] },
        line(line) {
          if (line.type !== 'observe' || !picksObservation(given.observe, line)) return;
          count += 1;
          if (seen.length < kept) seen.push(line.seq);
        },
        result() {
          const message = `${count} matching observation${count === 1 ? '' : 's'}`;
          if (count < least) return fails(`${message}, at least ${least} expected`, seen);
          return count > most ? fails(`${message}, at most ${most} allowed`, seen) : pass(message, seen);
        },
      };
    },
  };
}

/** At least `atLeast` (1 unless said) and at most `atMost` lines match. */
export const occurs = countPredicate(
  'occurs',
  z.strictObject({ observe: observationsSchema, atLeast: z.int().min(0).optional(), atMost: z.int().min(0).optional() }),
  ({ atLeast, atMost }) => [atLeast ?? 1, atMost ?? Infinity],
);

export const never = countPredicate('never', z.strictObject({ observe: observationsSchema }), () => [0, 0]);

/** All values referred to are equal. */
const ofValues = z.strictObject({ values: z.array(referenceSchema).min(2) });
/** The last matching observation of every node holds the same value. */
const ofNodes = z.strictObject({ nodes: z.array(z.string()).min(2), observe: observationsSchema, at: z.string() });

export const converged: Predicate<z.infer<typeof ofValues> | z.infer<typeof ofNodes>> = {
  name: 'converged',
  params: z.union([ofValues, ofNodes]),
  start: (params) => ('values' in params ? valuesConverge(params.values) : nodesConverge(params)),
};

function agreement(values: readonly (readonly [name: string, value: Json])[], evidence: readonly number[]) {
  const first = values[0]?.[1];
  const other = values.find(([, value]) => !sameJson(value, first));
  return other
    ? fails(`${values[0]?.[0]} has ${show(first)}, ${other[0]} has ${show(other[1])}`, evidence)
    : pass(`${values.length} agree on ${show(first)}`, evidence);
}

function valuesConverge(references: readonly Reference[]) {
  const reader = new ReferenceReader(references);
  return {
    interest: reader.interest,
    line: reader.line.bind(reader),
    result() {
      const values: [string, Json][] = [];
      const evidence: number[] = [];
      for (const [index, reference] of references.entries()) {
        const found = reader.read(reference);
        if ('status' in found) return found;
        values.push([`value ${index + 1}`, found.value]);
        evidence.push(...found.evidence);
      }
      return agreement(values, evidence);
    },
  };
}

function nodesConverge({ nodes, observe, at }: { nodes: string[]; observe: Observations; at: JsonPointer }) {
  const last = new Map<string, ObserveLine>();
  return {
    interest: { types: ['observe'] as const },
    line(line: Parameters<ReferenceReader['line']>[0]) {
      if (line.type === 'observe' && nodes.includes(line.node) && picksObservation(observe, line)) last.set(line.node, line);
    },
    result() {
      const values: [string, Json][] = [];
      for (const node of nodes) {
        const value = valueAt(last.get(node)?.data, at);
        if (value === undefined)
          return fails(
            `${node} never showed a value`,
            [...last.values()].map(({ seq }) => seq),
          );
        values.push([node, value]);
      }
      return agreement(
        values,
        [...last.values()].map(({ seq }) => seq),
      );
    },
  };
}
