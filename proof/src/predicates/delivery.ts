/** Delivery of messages: each accepted one to each of its receivers once, nothing else, and in order where that is promised. */
import { z } from 'zod';
import { type Observations, observationsSchema } from '../claim.ts';
import type { Frame } from '../frame.ts';
import { type JsonPointer, valueAt } from '../json.ts';
import type { ObserveLine } from '../journal.ts';
import { CopyBook, keyOf, MessageBook, type Sends, sendsSchema } from './book.ts';
import { fails, judged, inconclusive, type Judgement, pass, type Predicate } from './predicate.ts';
import { operationLines, picksObservation } from './recorded.ts';

interface Delivery extends Sends {
  readonly receipts: Observations;
  /** into the observation's `data` */
  readonly receiptKey: JsonPointer;
  /** where the observation names the sender (node name or agent id); it must be the process that sent */
  readonly receiptSender?: JsonPointer | undefined;
}

const params = z.strictObject({ ...sendsSchema, receipts: observationsSchema, receiptKey: z.string(), receiptSender: z.string().optional() });

/** One copy of every accepted message at each of its receivers, and no other. */
export const deliveredExactlyOnce = deliveryPredicate('delivered-exactly-once', judgeExactly);
/** The same, but copies may be missing: no duplicate, no forgery, no leak. */
export const deliveredAtMostOnce = deliveryPredicate('delivered-at-most-once', judgeAtMost);
/** Of two messages of one sender, of which one was accepted before the other was sent, no node sees the later one first. */
export const deliveredInOrder = deliveryPredicate('delivered-in-order', judgeOrder);

function deliveryPredicate(name: string, judge: (book: MessageBook, receipts: Receipts) => Judgement): Predicate<Delivery> {
  return {
    name,
    params,
    start(given, frame) {
      const book = new MessageBook(given, frame);
      const receipts = new Receipts(given, frame, book);
      return {
        interest: { types: [...operationLines, 'observe'] },
        line(line) {
          if (line.type === 'observe') receipts.line(line);
          else book.line(line);
        },
        result() {
          book.close();
          if (book.unusable.length > 0) return inconclusive('harness', 'sends that cannot be told apart', book.unusable);
          if (book.size === 0 && receipts.count === 0) return judged('unverified', 'harness', 'nothing was sent');
          return judge(book, receipts);
        },
      };
    },
  };
}

/** `sender`: its number, plus 1, of the first receipt. `foreign`: receipts that name another one than the first did. */
const columns = { sender: 0, same: 1, foreign: 2, owed: 3 } as const;
/** of receipts beyond the first of a copy, whose lines are kept */
const extrasKept = 200;
/** nodes named for each kind of wrong */
const namesShown = 3;
const shownPerKind = 5;

class Receipts {
  readonly copies: CopyBook;
  readonly keyless = new Sample();
  /** of one copy, beyond the first */
  readonly extras: { readonly copy: number; readonly seq: number; readonly foreign: boolean }[] = [];
  count = 0;
  readonly #params: Delivery;
  readonly #frame: Frame;
  readonly #book: MessageBook;

  constructor(given: Delivery, frame: Frame, book: MessageBook) {
    this.copies = new CopyBook(book, 4);
    this.#params = given;
    this.#frame = frame;
    this.#book = book;
  }

  line(line: ObserveLine): void {
    if (!picksObservation(this.#params.receipts, line)) return;
    this.count += 1;
    const key = keyOf(line.data, this.#params.receiptKey);
    if (key === undefined) {
      this.keyless.add(line.seq);
      return;
    }
    const copy = this.copies.enter(key, line.node, line.seq);
    const { rows } = this.copies;
    const sender = this.#senderOf(line) + 1;
    const first = rows.get(copy, columns.same) === 0;
    if (first) rows.set(copy, columns.sender, sender);
    const foreign = !first && rows.get(copy, columns.sender) !== sender;
    rows.count(copy, foreign ? columns.foreign : columns.same);
    if (!first && this.extras.length < extrasKept) this.extras.push({ copy, seq: line.seq, foreign });
  }

  /** its number; -1 when receipts do not say */
  #senderOf(line: ObserveLine): number {
    if (this.#params.receiptSender === undefined) return -1;
    const sender = valueAt(line.data, this.#params.receiptSender);
    return this.#book.names.enter(typeof sender === 'string' ? this.#frame.nodeName(sender) : '');
  }
}

class Sample {
  count = 0;
  readonly shown: number[] = [];
  /** by number, where it happened */
  readonly nodes = new Set<number>();

  add(...seqs: number[]): void {
    this.addCount(seqs.length, seqs);
  }

  addCount(count: number, seqs: readonly number[]): void {
    this.count += count;
    this.shown.push(...seqs.slice(0, Math.max(0, shownPerKind - this.shown.length)));
  }
}

function judgeExactly(book: MessageBook, receipts: Receipts): Judgement {
  const summary = `${book.size} messages, ${receipts.count} receipts`;
  return verdictOn(summary, `${summary}, each exactly once`, wrongs(book, receipts, true), book);
}

function judgeAtMost(book: MessageBook, receipts: Receipts): Judgement {
  const summary = `${book.size} messages, ${receipts.count} receipts`;
  if (receipts.count === 0) return judged('unverified', 'harness', `${summary}: nothing arrived that could be wrong`);
  return verdictOn(summary, `${summary}, none twice, forged or leaked`, wrongs(book, receipts, false), book);
}

function verdictOn(summary: string, good: string, wrong: ReadonlyMap<string, Sample>, { names }: MessageBook): Judgement {
  if (wrong.size === 0) return pass(good);
  const parts = [...wrong].map(([kind, { count, nodes }]) => `${count} ${kind}${placesOf([...nodes].map((node) => names.list[node]!))}`);
  return fails(
    `${summary}: ${parts.join(', ')}`,
    [...wrong.values()].flatMap(({ shown }) => shown),
  );
}

/** ` (at alice, bob and 3 more)` */
function placesOf(nodes: readonly string[]): string {
  if (nodes.length === 0) return '';
  const more = nodes.length > namesShown ? ` and ${nodes.length - namesShown} more` : '';
  return ` (at ${nodes.toSorted().slice(0, namesShown).join(', ')}${more})`;
}

function wrongs(book: MessageBook, { copies, extras, keyless }: Receipts, missingCounts: boolean): ReadonlyMap<string, Sample> {
  const wrong = new Map<string, Sample>();
  const add = (kind: string, count: number, seqs: readonly number[], node?: number) => {
    const sample = wrong.get(kind) ?? new Sample();
    sample.addCount(count, seqs);
    if (node !== undefined) sample.nodes.add(node);
    wrong.set(kind, sample);
  };
  const extrasOf = Map.groupBy(extras, ({ copy }) => copy);
  const seqsOf = (copy: number, foreign: boolean) => [
    ...(foreign ? [] : [copies.rows.seq(copy)]),
    ...(extrasOf.get(copy) ?? []).filter((extra) => extra.foreign === foreign).map(({ seq }) => seq),
  ];
  for (const message of book.messages()) {
    for (const receiver of message.receivers) {
      const copy = copies.find(message.number, receiver);
      if (copy === undefined) {
        if (missingCounts && message.certainty === 'sure') add('missing', 1, [message.invoked], receiver);
        continue;
      }
      const { rows } = copies;
      rows.set(copy, columns.owed, 1);
      const [sender, same, foreign] = [rows.get(copy, columns.sender), rows.get(copy, columns.same), rows.get(copy, columns.foreign)];
      if (message.certainty === 'refused') add('delivered though refused', same, seqsOf(copy, false), receiver);
      if (sender !== 0 && sender - 1 !== message.process) add('from a forged sender', same, seqsOf(copy, false), receiver);
      if (foreign > 0) add('from a forged sender', foreign, seqsOf(copy, true), receiver);
      if (same > 1) add('delivered again', same - 1, seqsOf(copy, false).slice(1), receiver);
    }
  }
  for (let copy = 0; copy < copies.size; copy++) {
    if (copies.rows.get(copy, columns.owed) === 1) continue;
    const count = copies.rows.get(copy, columns.same) + copies.rows.get(copy, columns.foreign);
    add('never sent to that node', count, [...seqsOf(copy, false), ...seqsOf(copy, true)], copies.of(copy).node);
  }
  if (keyless.count > 0) add('without a key', keyless.count, keyless.shown);
  return wrong;
}

/** Copies stand in the order in which they arrived, so one look back per sender and node suffices. */
function judgeOrder(book: MessageBook, { copies, count }: Receipts): Judgement {
  const latest = new Map<number, { invoked: number; receipt: number }>();
  const late = new Sample();
  let judgedCopies = 0;
  for (let copy = 0; copy < copies.size; copy++) {
    const { message: number, node } = copies.of(copy);
    const message = book.message(number);
    if (!message) continue;
    judgedCopies += 1;
    const lane = node * 0x10000 + message.process;
    const before = latest.get(lane);
    const receipt = copies.rows.seq(copy);
    if (before && message.accepted > 0 && message.accepted < before.invoked) late.addCount(1, [before.receipt, receipt]);
    if (!before || message.invoked > before.invoked) latest.set(lane, { invoked: message.invoked, receipt });
  }
  const summary = `${book.size} messages, ${count} receipts`;
  if (judgedCopies === 0) return judged('unverified', 'harness', `${summary}: nothing arrived that could be out of order`);
  if (late.count === 0) return pass(`${summary}, in the order of their senders`);
  return fails(`${summary}: ${late.count} behind a later one of the same sender`, late.shown);
}
