/** The book of messages: what was sent, to whom, and what became of each copy. */
import { z } from 'zod';
import { type Operations, operationsSchema } from '../claim.ts';
import type { Frame } from '../frame.ts';
import { type JsonPointer, valueAt } from '../json.ts';
import type { JournalLine } from '../journal.ts';
import { Columns, Names } from '../checkers/columns.ts';
import { KeyTable, PairTable } from '../checkers/key-table.ts';
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
const certainties = ['unsent', 'refused', 'unknown', 'sure'] as const;
type Certainty = Exclude<(typeof certainties)[number], 'unsent'>;

/** A message as it was sent; nodes and processes by their number in `MessageBook.names`. */
export interface Message {
  /** in `MessageBook.keys` */
  readonly number: number;
  readonly process: number;
  readonly receivers: readonly number[];
  readonly certainty: Certainty;
  /** line of its (first) invocation */
  readonly invoked: number;
  /** line that says it was accepted; 0 when none does */
  readonly accepted: number;
}

function certaintyOf({ outcome }: Operation): Certainty {
  if (outcome === 'ok') return 'sure';
  return outcome === 'fail' ? 'refused' : 'unknown';
}

/** One text per key value, so that `1` and `"1"` stay apart. */
export function keyOf(root: unknown, pointer: JsonPointer): string | undefined {
  const value = valueAt(root, pointer);
  if (typeof value === 'string') return `"${value}`;
  return value === undefined || value === null ? undefined : JSON.stringify(value);
}

const unusableShown = 20;
const columns = { certainty: 0, process: 1, receivers: 2 } as const;
const marks = { invoked: 0, accepted: 1 } as const;

/** Some 40 bytes a message, so that histories of millions fit. */
export class MessageBook {
  /** numbers of messages, sent or not: receipts are entered here, too */
  readonly keys: KeyTable;
  readonly names = new Names();
  /** messages that were sent */
  size = 0;
  /** the first sends that cannot be told apart from another, or carry no key: the scenario cannot be judged */
  readonly unusable: number[] = [];
  readonly #rows = new Columns(3, 2);
  readonly #receivers: (readonly number[])[] = [];
  readonly #receiversByName = new Map<string, number>();
  readonly #pairs: OperationPairs;
  readonly #sends: Sends;
  readonly #frame: Frame;

  constructor(sends: Sends, frame: Frame) {
    this.#sends = sends;
    this.#frame = frame;
    this.keys = new KeyTable(frame.run?.runId ?? '');
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

  /** The message of that number, when it was sent. */
  message(number: number): Message | undefined {
    const certainty = certainties[this.#rows.get(number, columns.certainty)]!;
    if (certainty === 'unsent') return undefined;
    return {
      number,
      process: this.#rows.get(number, columns.process),
      receivers: this.#receivers[this.#rows.get(number, columns.receivers)]!,
      certainty,
      invoked: this.#rows.seq(number, marks.invoked),
      accepted: this.#rows.seq(number, marks.accepted),
    };
  }

  /** Every message that was sent. */
  *messages(): Generator<Message, void, undefined> {
    for (let number = 0; number < this.keys.size; number++) {
      const message = this.message(number);
      if (message) yield message;
    }
  }

  #enter(operation: Operation): void {
    if (!picksOperation(this.#sends.sends, operation)) return;
    const certainty = certaintyOf(operation);
    const key = keyOf(operation, this.#sends.key);
    const receivers = this.#receiversOf(operation);
    if (key === undefined || receivers === undefined) {
      // Without an answer there may be no id to go by, and without an id nothing is owed to anyone.
      if (certainty === 'sure') this.#cannotUse(operation);
      return;
    }
    const number = this.keys.enter(key);
    const process = this.names.enter(operation.process);
    const known = this.message(number);
    if (!known) {
      this.size += 1;
      this.#rows.set(number, columns.process, process);
      this.#rows.set(number, columns.receivers, receivers);
      this.#rows.mark(number, operation.invoked, marks.invoked);
    } else if (!this.#sends.retries || known.process !== process) {
      this.#cannotUse(operation);
      return;
    }
    const strength = Math.max(known ? certainties.indexOf(known.certainty) : 0, certainties.indexOf(certainty));
    this.#rows.set(number, columns.certainty, strength);
    if (certainty === 'sure') this.#rows.mark(number, operation.completed ?? 0, marks.accepted);
  }

  #cannotUse({ invoked }: Operation): void {
    if (this.unusable.length < unusableShown) this.unusable.push(invoked);
  }

  #receiversOf(operation: Operation): number | undefined {
    const { receivers } = this.#sends;
    if ('nodes' in receivers) return this.#set('', receivers.nodes);
    const value = valueAt(operation, receivers.at);
    if (typeof value !== 'string') return undefined;
    const name = this.#frame.nodeName(value);
    return this.#set(name, [name]);
  }

  #set(key: string, nodes: readonly string[]): number {
    const known = this.#receiversByName.get(key);
    if (known !== undefined) return known;
    const set = [...new Set(nodes)].map((node) => this.names.enter(node));
    const number = this.#receivers.push(set) - 1;
    this.#receiversByName.set(key, number);
    return number;
  }
}

/** Copies of messages at nodes, by number in the order in which they were first seen: some 30 bytes a copy. */
export class CopyBook {
  readonly rows: Columns;
  readonly #pairs = new PairTable();
  readonly #book: MessageBook;

  /** `columns` numbers are kept of each copy */
  constructor(book: MessageBook, width: number) {
    this.#book = book;
    this.rows = new Columns(width, 1);
  }

  get size(): number {
    return this.#pairs.size;
  }

  /** The copy at a node of the message with that key; what is new is marked with the line. */
  enter(key: string, node: string, seq: number): number {
    const copy = this.#pairs.enter(this.#book.keys.enter(key), this.#book.names.enter(node));
    if (this.rows.seq(copy) === 0) this.rows.mark(copy, seq);
    return copy;
  }

  find(message: number, node: number): number | undefined {
    return this.#pairs.find(message, node);
  }

  of(copy: number): { readonly message: number; readonly node: number } {
    const [message, node] = this.#pairs.pair(copy);
    return { message, node };
  }
}
