/**
 * What a scenario claims: the name of a predicate and its parameters, as data. Parameters refer to recorded lines
 * (an operation by its id, an observation by a selector) with JSON pointers into them, so that a verdict can be
 * recomputed from the journal alone.
 */
import { z } from 'zod';
import type { Json } from './json.ts';

const json = z.custom<Json>((value) => value !== undefined);
const pointer = z.string().regex(/^(\/|$)/, 'a JSON pointer is empty or begins with /');

/** Holds when the value at `at` equals `equals`, or is one of `in`; with neither, when it is present. */
export const conditionSchema = z.strictObject({
  at: pointer,
  equals: json.optional(),
  in: z.array(json).optional(),
});
export type Condition = z.infer<typeof conditionSchema>;

/** Picks `observe` lines. `where` points into the line's `data`. */
export const observationsSchema = z.strictObject({
  nodes: z.array(z.string()).optional(),
  stream: z.string().optional(),
  event: z.string().optional(),
  where: z.array(conditionSchema).optional(),
});
export type Observations = z.infer<typeof observationsSchema>;

/** Picks operations. `where` points into the operation: `{process, surface, op, input, outcome, status, output, error}`. */
export const operationsSchema = z.strictObject({
  processes: z.array(z.string()).optional(),
  surface: z.string().optional(),
  op: z.string().optional(),
  where: z.array(conditionSchema).optional(),
});
export type Operations = z.infer<typeof operationsSchema>;

/**
 * A value by reference.
 * - `op`: operation id; `at` points into `{process, surface, op, input, outcome, status, output, error}`
 * - `seq`: a line; `at` points into the whole line
 * - `observe`: the first or last line picked in the range; `at` points into its `data`
 * - `value`: a literal, for what no line holds
 */
export const referenceSchema = z.union([
  z.strictObject({ op: z.string(), at: pointer }),
  z.strictObject({ seq: z.int(), at: pointer }),
  z.strictObject({ observe: observationsSchema, pick: z.enum(['first', 'last']), at: pointer }),
  z.strictObject({ value: json }),
]);
export type Reference = z.infer<typeof referenceSchema>;

/** A moment: the line's `t`. An operation has two edges; `observe` is the first line picked (after the other moment, when it ends a span). */
export const momentSchema = z.union([
  z.strictObject({ op: z.string(), edge: z.enum(['invoke', 'done']) }),
  z.strictObject({ seq: z.int() }),
  z.strictObject({ fault: z.string(), stage: z.enum(['requested', 'applied', 'bit', 'healed', 'heal_seen']) }),
  z.strictObject({ observe: observationsSchema }),
]);
export type Moment = z.infer<typeof momentSchema>;

/** `predicate` is a name of the registry in `predicates/registry.ts`; it owns the schema of `params`. */
export const claimSchema = z.strictObject({ predicate: z.string(), params: z.record(z.string(), json) });
export type Claim = z.infer<typeof claimSchema>;

/** An operation by its id, or anything that carries one. */
export type OperationLike = string | { readonly id: string };
/** Primitives stand for themselves. */
export type ReferenceLike = Reference | string | number | boolean | null;

export function operationId(operation: OperationLike): string {
  return typeof operation === 'string' ? operation : operation.id;
}

/** A value inside an operation: `at(op, '/output/agent_id')`, `at(op, '/status')`, `at(op, '/input/name')`. */
export function at(operation: OperationLike, pointerInto: string): Reference {
  return { op: operationId(operation), at: pointerInto };
}

/** A literal, for objects and arrays (primitives need no wrapping). */
export function literal(value: Json): Reference {
  return { value };
}

/** A value inside the first or last observation picked. */
export function observed(observe: Observations, pointerInto: string, pick: 'first' | 'last' = 'first'): Reference {
  return { observe, pick, at: pointerInto };
}

export function toReference(value: ReferenceLike): Reference {
  return typeof value === 'object' && value !== null ? value : { value };
}
