/** The book of messages: what was sent, to whom, and what became of each copy. */
import { z } from 'zod';
import { type Operations, operationsSchema } from '../claim.ts';
import type { Frame } from '../frame.ts';
import { type JsonPointer, valueAt } from '../json.ts';
import type { JournalLine } from '../journal.ts';
import { mayPick, type Operation, OperationPairs, picksOperation } from './recorded.ts';

/** Node names, or where in the operation the one receiver stands (a node's name or agent id). */
const receiversSchema = z.union([z.strictObject({ nodes: z.array(z.string()).min(1) }), z.strictObject({ at: z.string() })]);
export type Receivers = z.infer<typeof receiversSchema>;

/** `key` points into the operation, at the message's id or whatever tells it from all others. */
export const sendsSchema = {
  sends: operationsSchema,
  key: z.string(),
  receivers: receiversSchema,
  /** true: a further send with the same key by the same process is a retry of one message */
  retries: z.boolean().optional(),
};

export interface Sends {
  readonly sends: Operations;
  readonly key: JsonPointer;
  readonly receivers: Receivers;
  readonly retries?: boolean | undefined;
}

/** `sure`: it was accepted, every receiver is owed it. `unknown`: it may or may not have happened. `refused`: it did not. */
type Certainty = 'sure' | 'unknown' | 'refused';

export interface Message {
  readonly key: string;
  readonly process: string;
  readonly receivers: readonly string[];
  readonly seq: number;
  certainty: Certainty;
}

const strength: Readonly<Record<Certainty, number>> = { refused: 0, unknown: 1, sure: 2 };

function certaintyOf({ outcome }: Operation): Certainty {
  if (outcome === 'ok') return 'sure';
  return outcome === 'fail' ? 'refused' : 'unknown';
}

/** One text per key value, so that `1` and `"1"` stay apart. */
export function keyOf(root: unknown, pointer: JsonPointer): string | undefined {
  const value = valueAt(root, pointer);
  return value === undefined || value === null ? undefined : JSON.stringify(value);
}

export class MessageBook {
  readonly messages = new Map<string, Message>();
  /** sends that cannot be told apart from another, or carry no key: the scenario cannot be judged */
  readonly unusable: number[] = [];
  readonly #pairs: OperationPairs;
  readonly #sends: Sends;
  readonly #frame: Frame;

  constructor(sends: Sends, frame: Frame) {
    this.#sends = sends;
    this.#frame = frame;
    this.#pairs = new OperationPairs((invoke) => mayPick(sends.sends, invoke));
  }

  line(line: JournalLine): void {
    const operation = this.#pairs.line(line);
    if (operation) this.#enter(operation);
  }

  /** Call once, after the last line: sends without a completion are entered as unknown. */
  close(): void {
    for (const operation of this.#pairs.pending()) this.#enter(operation);
  }

  #enter(operation: Operation): void {
    if (!picksOperation(this.#sends.sends, operation)) return;
    const certainty = certaintyOf(operation);
    const key = keyOf(operation, this.#sends.key);
    const receivers = this.#receiversOf(operation);
    if (key === undefined || receivers === undefined) {
      // Without an answer there may be no id to go by, and without an id nothing is owed to anyone.
      if (certainty === 'sure') this.unusable.push(operation.invoked);
      return;
    }
    const known = this.messages.get(key);
    if (!known) {
      this.messages.set(key, { key, process: operation.process, receivers, seq: operation.invoked, certainty });
    } else if (this.#sends.retries && known.process === operation.process) {
      if (strength[certainty] > strength[known.certainty]) known.certainty = certainty;
    } else this.unusable.push(operation.invoked);
  }

  #receiversOf(operation: Operation): readonly string[] | undefined {
    const { receivers } = this.#sends;
    if ('nodes' in receivers) return receivers.nodes;
    const value = valueAt(operation, receivers.at);
    return typeof value === 'string' ? [this.#frame.nodeName(value)] : undefined;
  }
}
