/** Exactly-once delivery: every accepted message reaches each of its receivers once, and nothing else arrives. */
import { z } from 'zod';
import { type Observations, observationsSchema } from '../claim.ts';
import type { Frame } from '../frame.ts';
import { type JsonPointer, valueAt } from '../json.ts';
import type { ObserveLine } from '../journal.ts';
import { keyOf, MessageBook, type Sends, sendsSchema } from './book.ts';
import { fails, judged, inconclusive, type Judgement, pass, type Predicate } from './predicate.ts';
import { operationLines, picksObservation } from './recorded.ts';

interface DeliveredExactlyOnce extends Sends {
  readonly receipts: Observations;
  /** into the observation's `data` */
  readonly receiptKey: JsonPointer;
  /** where the observation names the sender (node name or agent id); it must be the process that sent */
  readonly receiptSender?: JsonPointer | undefined;
}

const shownPerKind = 5;

interface Receipt {
  readonly sender: string | undefined;
  readonly seqs: number[];
  readonly foreign: number[];
}

export const deliveredExactlyOnce: Predicate<DeliveredExactlyOnce> = {
  name: 'delivered-exactly-once',
  params: z.strictObject({
    ...sendsSchema,
    receipts: observationsSchema,
    receiptKey: z.string(),
    receiptSender: z.string().optional(),
  }),
  start(params, frame) {
    const book = new MessageBook(params, frame);
    const receipts = new Receipts(params, frame);
    return {
      interest: { types: [...operationLines, 'observe'] },
      line(line) {
        if (line.type === 'observe') receipts.line(line);
        else book.line(line);
      },
      result() {
        book.close();
        return judge(book, receipts);
      },
    };
  },
};

class Receipts {
  readonly byCopy = new Map<string, Receipt>();
  readonly keyless: number[] = [];
  count = 0;
  readonly #params: DeliveredExactlyOnce;
  readonly #frame: Frame;

  constructor(params: DeliveredExactlyOnce, frame: Frame) {
    this.#params = params;
    this.#frame = frame;
  }

  line(line: ObserveLine): void {
    if (!picksObservation(this.#params.receipts, line)) return;
    this.count += 1;
    const key = keyOf(line.data, this.#params.receiptKey);
    if (key === undefined) {
      this.keyless.push(line.seq);
      return;
    }
    const copy = copyOf(key, line.node);
    const sender = this.#senderOf(line);
    const known = this.byCopy.get(copy);
    if (!known) this.byCopy.set(copy, { sender, seqs: [line.seq], foreign: [] });
    else (sender === known.sender ? known.seqs : known.foreign).push(line.seq);
  }

  #senderOf(line: ObserveLine): string | undefined {
    if (this.#params.receiptSender === undefined) return undefined;
    const sender = valueAt(line.data, this.#params.receiptSender);
    return typeof sender === 'string' ? this.#frame.nodeName(sender) : '';
  }
}

/** One copy of a message: its key and the node it is for. */
function copyOf(key: string, node: string): string {
  return `${node}\n${key}`;
}

function judge(book: MessageBook, receipts: Receipts): Judgement {
  if (book.unusable.length > 0) return inconclusive('harness', 'sends that cannot be told apart', book.unusable);
  if (book.messages.size === 0 && receipts.count === 0) return judged('unverified', 'harness', 'nothing was sent');
  const wrong = new Map<string, { count: number; readonly shown: number[] }>();
  const add = (kind: string, ...seqs: number[]) => {
    const found = wrong.get(kind) ?? { count: 0, shown: [] };
    found.count += seqs.length;
    found.shown.push(...seqs.slice(0, Math.max(0, shownPerKind - found.shown.length)));
    wrong.set(kind, found);
  };
  const unclaimed = new Map(receipts.byCopy);
  for (const message of book.messages.values()) {
    for (const receiver of message.receivers) {
      const copy = copyOf(message.key, receiver);
      const receipt = unclaimed.get(copy);
      unclaimed.delete(copy);
      if (!receipt) {
        if (message.certainty === 'sure') add('missing', message.seq);
        continue;
      }
      if (message.certainty === 'refused') add('delivered though refused', ...receipt.seqs);
      if (receipt.sender !== undefined && receipt.sender !== message.process) add('from a forged sender', ...receipt.seqs);
      if (receipt.foreign.length > 0) add('from a forged sender', ...receipt.foreign);
      if (receipt.seqs.length > 1) add('delivered again', ...receipt.seqs.slice(1));
    }
  }
  for (const { seqs, foreign } of unclaimed.values()) add('never sent to that node', ...seqs, ...foreign);
  if (receipts.keyless.length > 0) add('without a key', ...receipts.keyless);
  const summary = `${book.messages.size} messages, ${receipts.count} receipts`;
  if (wrong.size === 0) return pass(`${summary}, each exactly once`);
  const parts = [...wrong].map(([kind, { count }]) => `${count} ${kind}`);
  return fails(
    `${summary}: ${parts.join(', ')}`,
    [...wrong.values()].flatMap(({ shown }) => shown),
  );
}
