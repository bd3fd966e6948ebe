/** After a heal: every replica shows the same, nothing acknowledged is lost, nothing deleted is back, nothing comes from nowhere. */
import { z } from 'zod';
import { Convergence } from '../checkers/convergence.ts';
import { type Condition, conditionSchema, type Operations, operationsSchema } from '../claim.ts';
import { type JsonPointer, valueAt } from '../json.ts';
import type { Frame } from '../frame.ts';
import type { JournalLine } from '../journal.ts';
import { keyOf } from './book.ts';
import { fails, inconclusive, type Judgement, judged, pass, type Predicate } from './predicate.ts';
import { holds, mayPick, type Operation, operationLines, OperationPairs, picksOperation } from './recorded.ts';

const lanes = z.enum(['real-time', 'process']);
const pointer = z.string();
const writer = z.strictObject({ operations: operationsSchema, key: pointer });
const registerSchema = z.strictObject({
  writes: z.strictObject({ operations: operationsSchema, key: pointer, value: pointer }),
  deletes: writer.optional(),
  reads: z.strictObject({ operations: operationsSchema, key: pointer, value: pointer, absent: conditionSchema.optional() }),
  nodes: z.array(z.string()).min(1),
  order: lanes.optional(),
});
const setSchema = z.strictObject({
  adds: writer,
  removes: writer.optional(),
  reads: z.strictObject({ operations: operationsSchema, items: pointer, item: pointer.optional() }),
  nodes: z.array(z.string()).min(1),
  order: lanes.optional(),
});

/** Pointers read the operation. `order`: `process` where a later write of another node need not replace an earlier one. */
interface Writer {
  readonly operations: Operations;
  readonly key: JsonPointer;
}
export interface RegisterConverged {
  readonly writes: Writer & { readonly value: JsonPointer };
  readonly deletes?: Writer | undefined;
  /** `absent`: how a read looks that found nothing */
  readonly reads: Writer & { readonly value: JsonPointer; readonly absent?: Condition | undefined };
  /** each must have read every key that was written, last of all */
  readonly nodes: readonly string[];
  readonly order?: 'real-time' | 'process' | undefined;
}
export interface SetConverged {
  readonly adds: Writer;
  readonly removes?: Writer | undefined;
  /** `items` points at the list in the operation, `item` into each of them */
  readonly reads: { readonly operations: Operations; readonly items: JsonPointer; readonly item?: JsonPointer | undefined };
  readonly nodes: readonly string[];
  readonly order?: 'real-time' | 'process' | undefined;
}

/** The last value read of each key at each node. */
export const registerConverged: Predicate<RegisterConverged> = {
  name: 'register-converged',
  params: registerSchema,
  start({ writes, deletes, reads, nodes, order }, frame) {
    const history = new History(frame, order);
    const last = new Map(nodes.map((node) => [node, new Map<string, Seen>()]));
    const wanted = [writes, deletes, reads].filter((one) => one !== undefined);
    const pairs = new OperationPairs((invoke) => wanted.some((one) => mayPick(one.operations, invoke)));
    const enter = (operation: Operation) => {
      if (picksOperation(writes.operations, operation)) history.write(operation, writes.key, keyOf(operation, writes.value));
      if (deletes && picksOperation(deletes.operations, operation)) history.write(operation, deletes.key, undefined);
      if (!picksOperation(reads.operations, operation) || operation.completed === undefined) return;
      const key = keyOf(operation, reads.key);
      const absent = reads.absent !== undefined && holds(reads.absent, operation);
      const value = absent ? undefined : keyOf(operation, reads.value);
      if (key === undefined || (!absent && (operation.outcome !== 'ok' || value === undefined))) return;
      last.get(operation.process)?.set(key, { value, invoked: operation.invoked, seq: operation.completed });
    };
    return history.reducer(pairs, enter, () => {
      const found: Found[] = [];
      for (const key of history.state.keys()) {
        for (const node of nodes) {
          const seen = last.get(node)!.get(key);
          if (!seen) return inconclusive('harness', `${node} never read ${key}`);
          found.push({ node, key, ...seen });
        }
      }
      return found;
    });
  },
};

/** The last list that each node showed. */
export const setConverged: Predicate<SetConverged> = {
  name: 'set-converged',
  params: setSchema,
  start({ adds, removes, reads, nodes, order }, frame) {
    const history = new History(frame, order);
    const last = new Map<string, { readonly items: ReadonlySet<string>; readonly invoked: number; readonly seq: number }>();
    const wanted = [adds, removes, reads].filter((one) => one !== undefined);
    const pairs = new OperationPairs((invoke) => wanted.some((one) => mayPick(one.operations, invoke)));
    const enter = (operation: Operation) => {
      if (picksOperation(adds.operations, operation)) history.write(operation, adds.key, 'present');
      if (removes && picksOperation(removes.operations, operation)) history.write(operation, removes.key, undefined);
      if (operation.outcome !== 'ok' || operation.completed === undefined || !picksOperation(reads.operations, operation)) return;
      const items = valueAt(operation, reads.items);
      if (!Array.isArray(items)) return;
      const keys = items.map((item) => keyOf(item, reads.item ?? '') ?? 'nothing');
      last.set(operation.process, { items: new Set(keys), invoked: operation.invoked, seq: operation.completed });
    };
    return history.reducer(pairs, enter, () => {
      const shown = nodes.map((node) => [node, last.get(node)] as const);
      const silent = shown.find(([, seen]) => !seen);
      if (silent) return inconclusive('harness', `${silent[0]} never read the set`);
      const keys = new Set([...history.state.keys(), ...shown.flatMap(([, seen]) => [...seen!.items])]);
      const found: Found[] = [];
      for (const key of keys) {
        for (const [node, seen] of shown) {
          found.push({ node, key, value: seen!.items.has(key) ? 'present' : undefined, invoked: seen!.invoked, seq: seen!.seq });
        }
      }
      return found;
    });
  },
};

interface Seen {
  readonly value: string | undefined;
  /** lines of the read */
  readonly invoked: number;
  readonly seq: number;
}
interface Found extends Seen {
  readonly node: string;
  readonly key: string;
}

const namedInMessage = 3;

/** The writes of a history, and what the nodes showed after them. */
class History {
  readonly state: Convergence;
  readonly #laneOf: (operation: Operation) => string;
  #lastWrite = 0;
  #keyless: number | undefined;

  constructor(frame: Frame, order: 'real-time' | 'process' = 'real-time') {
    this.state = new Convergence(frame.run?.runId ?? '');
    this.#laneOf = order === 'process' ? ({ process }) => process : () => '';
  }

  write(operation: Operation, pointerToKey: JsonPointer, value: string | undefined): void {
    if (operation.outcome === 'fail') return;
    const key = keyOf(operation, pointerToKey);
    if (key === undefined) {
      this.#keyless ??= operation.invoked;
      return;
    }
    const done = operation.outcome === 'ok' ? operation.completed! : Infinity;
    if (done !== Infinity) this.#lastWrite = Math.max(this.#lastWrite, done);
    this.state.write({ key, value, lane: this.#laneOf(operation), invoked: operation.invoked, done });
  }

  reducer(pairs: OperationPairs, enter: (operation: Operation) => void, read: () => readonly Found[] | Judgement) {
    return {
      interest: { types: operationLines },
      line(line: JournalLine) {
        const operation = pairs.line(line);
        if (operation) enter(operation);
      },
      result: (): Judgement => {
        for (const operation of pairs.pending()) enter(operation);
        if (this.#keyless !== undefined) return inconclusive('harness', 'a write without a key', [this.#keyless]);
        if (this.state.writes === 0) return judged('unverified', 'harness', 'nothing was written');
        const found = read();
        return 'status' in found ? found : this.#judge(found as readonly Found[]);
      },
    };
  }

  #judge(found: readonly Found[]): Judgement {
    const early = found.find(({ invoked }) => invoked < this.#lastWrite);
    if (early) return inconclusive('harness', `${early.node} was read before the last write was done`, [early.seq, this.#lastWrite]);
    const wrong: { readonly what: string; readonly seq: number }[] = [];
    const first = new Map<string, Found>();
    for (const one of found) {
      const other = first.get(one.key);
      if (!other) first.set(one.key, one);
      const what = this.state.judge(one.key, one.value);
      if (what) wrong.push({ what: `${one.key} ${what} at ${one.node}`, seq: one.seq });
      else if (other && other.value !== one.value) wrong.push({ what: `${one.key} differs between ${other.node} and ${one.node}`, seq: one.seq });
    }
    const summary = `${this.state.writes} writes, ${first.size} keys`;
    if (wrong.length === 0) return pass(`${summary}, alike at every node`);
    const named = wrong.slice(0, namedInMessage).map(({ what }) => what);
    const more = wrong.length > named.length ? `, and ${wrong.length - named.length} more` : '';
    return fails(
      `${summary}: ${named.join(', ')}${more}`,
      wrong.slice(0, 100).map(({ seq }) => seq),
    );
  }
}
