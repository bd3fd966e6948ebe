/** Linearizability of registers and of exclusive claims, each object by itself, by a search that gives up after so many steps. */
import { z } from 'zod';
import { type Call, linearize, type Model } from '../checkers/linearizable.ts';
import { type Operations, operationsSchema } from '../claim.ts';
import type { Frame } from '../frame.ts';
import { type JsonPointer, valueAt } from '../json.ts';
import { keyOf } from './book.ts';
import { fails, inconclusive, type Judgement, judged, pass, type Predicate } from './predicate.ts';
import { mayPick, type Operation, operationLines, OperationPairs, picksOperation } from './recorded.ts';

const kinds = ['read', 'write', 'cas', 'claim', 'release', 'holder'] as const;
const actionSchema = z.strictObject({
  operations: operationsSchema,
  does: z.enum(kinds),
  key: z.string().optional(),
  value: z.string().optional(),
  expected: z.string().optional(),
});

/**
 * What operations do to the object at `key` (one object when not given). Pointers read the operation; a value that is absent
 * or null stands for none.
 * - `read` found `value`, `write` wrote it, `cas` wrote it where it found `expected`
 * - `claim` took the object for `value` (node name or agent id; the process, when not given), `release` gave it back, `holder` found who has it
 */
export interface Action {
  readonly operations: Operations;
  readonly does: (typeof kinds)[number];
  readonly key?: JsonPointer | undefined;
  readonly value?: JsonPointer | undefined;
  readonly expected?: JsonPointer | undefined;
}

export interface Linearizable {
  readonly actions: readonly Action[];
  /** of the search, for all objects together; 500,000 when not given */
  readonly steps?: number | undefined;
}

interface Effect {
  readonly does: Action['does'];
  readonly value: string;
  readonly expected: string;
}

const nothing = '';
const standardSteps = 500_000;
const mostSteps = 20_000_000;

function isOwnership({ does }: Action): boolean {
  return does === 'claim' || does === 'release' || does === 'holder';
}

function owner({ value }: Action, operation: Operation, frame: Frame): string {
  const found = value === undefined ? operation.process : valueAt(operation, value);
  return typeof found === 'string' ? frame.nodeName(found) : nothing;
}

/** The state is the register's value, or who has claimed it. */
const model: Model<Effect> = (state, { does, value, expected }) => {
  switch (does) {
    case 'write':
      return value;
    case 'cas':
      return state === expected ? value : undefined;
    case 'claim':
      return state === nothing ? value : undefined;
    case 'release':
      return state === value ? nothing : undefined;
    default:
      return state === value ? state : undefined;
  }
};

export const linearizable: Predicate<Linearizable> = {
  name: 'linearizable',
  params: z.strictObject({ actions: z.array(actionSchema).min(1), steps: z.int().min(1).max(mostSteps).optional() }),
  start({ actions, steps = standardSteps }, frame) {
    const objects = new Map<string, { readonly calls: Call<Effect>[]; readonly seqs: number[] }>();
    const pairs = new OperationPairs((invoke) => actions.some(({ operations }) => mayPick(operations, invoke)));
    let count = 0;
    const enter = (operation: Operation) => {
      if (operation.outcome === 'fail') return;
      const action = actions.find(({ operations }) => picksOperation(operations, operation));
      if (!action) return;
      const sure = operation.outcome === 'ok';
      // What was not answered found nothing.
      if (!sure && (action.does === 'read' || action.does === 'holder')) return;
      const key = action.key === undefined ? '' : (keyOf(operation, action.key) ?? '');
      const object = objects.get(key) ?? { calls: [], seqs: [] };
      objects.set(key, object);
      const value = isOwnership(action)
        ? owner(action, operation, frame)
        : action.value === undefined
          ? nothing
          : (keyOf(operation, action.value) ?? nothing);
      const expected = action.expected === undefined ? nothing : (keyOf(operation, action.expected) ?? nothing);
      object.calls.push({ action: { does: action.does, value, expected }, from: operation.invoked, to: sure ? operation.completed! : Infinity });
      object.seqs.push(operation.completed ?? operation.invoked);
      count += 1;
    };
    return {
      interest: { types: operationLines },
      line(line) {
        const operation = pairs.line(line);
        if (operation) enter(operation);
      },
      result(): Judgement {
        for (const operation of pairs.pending()) enter(operation);
        if (count === 0) return judged('unverified', 'harness', 'no operation to put in order');
        let left = steps;
        let unknown: string | undefined;
        for (const [key, { calls, seqs }] of objects) {
          const search = linearize(calls, model, nothing, left);
          left = Math.max(0, left - search.steps);
          const name = key === '' ? 'the object' : key;
          if (search.linear === 'no') {
            const stuck = seqs.filter((_, index) => calls[index]!.to !== Infinity && !search.longest.includes(index));
            return fails(`${name}: of ${calls.length} operations, no order of more than ${search.longest.length} explains the answers`, stuck);
          }
          if (search.linear === 'unknown') unknown ??= name;
        }
        if (unknown !== undefined) return inconclusive('harness', `unknown: the search for an order of ${unknown} was given up after ${steps} steps`);
        return pass(`${count} operations on ${objects.size} object${objects.size === 1 ? '' : 's'} can be put in order`);
      },
    };
  },
};
