/** The ledger: for every message id and every subscriber, published = delivered + refused + expired + in flight. */
import { z } from 'zod';
import { type Observations, observationsSchema } from '../claim.ts';
import type { JsonPointer } from '../json.ts';
import type { ObserveLine } from '../journal.ts';
import { CopyBook, keyOf, type Message, MessageBook, type Sends, sendsSchema } from './book.ts';
import { fails, judged, inconclusive, type Judgement, pass, type Predicate } from './predicate.ts';
import { operationLines, picksObservation } from './recorded.ts';

const entries = z.strictObject({ observe: observationsSchema, key: z.string() });
interface Entries {
  readonly observe: Observations;
  /** into the observation's `data` */
  readonly key: JsonPointer;
}

const dispositions = ['delivered', 'refused', 'expired', 'inFlight'] as const;
export type Disposition = (typeof dispositions)[number];

/** One line of the table in the report. `unknown`: copies of sends that had no answer and never turned up. */
export interface LedgerRow extends Readonly<Record<Disposition, number>> {
  readonly subscriber: string;
  readonly published: number;
  readonly unknown: number;
  /** copies without exactly one disposition */
  readonly unbalanced: number;
}

type Balanced = Sends & { readonly delivered: Entries } & Readonly<Partial<Record<Disposition, Entries | undefined>>>;

export const balanced: Predicate<Balanced> = {
  name: 'balanced',
  params: z.strictObject({
    ...sendsSchema,
    delivered: entries,
    refused: entries.optional(),
    expired: entries.optional(),
    inFlight: entries.optional(),
  }),
  start(params, frame) {
    const book = new MessageBook(params, frame);
    const copies = new CopyBook(book, dispositions.length + 1);
    let keyless: number | undefined;
    const sources = dispositions.map((disposition) => params[disposition]);
    const enter = (line: ObserveLine) => {
      for (let column = 0; column < sources.length; column++) {
        const source = sources[column];
        if (!source || !picksObservation(source.observe, line)) continue;
        const key = keyOf(line.data, source.key);
        if (key === undefined) keyless ??= line.seq;
        else copies.rows.count(copies.enter(key, line.node, line.seq), column);
      }
    };
    return {
      interest: { types: [...operationLines, 'observe'] },
      line: (line) => (line.type === 'observe' ? enter(line) : book.line(line)),
      result() {
        book.close();
        if (book.unusable.length > 0) return inconclusive('harness', 'sends that cannot be told apart', book.unusable);
        if (keyless !== undefined) return fails('an entry without a message id', [keyless]);
        return judge(book, copies);
      },
    };
  },
};

/** the column after the dispositions: 1 where the copy was owed */
const owed = dispositions.length;
const evidenceKept = 100;

type Counts = Readonly<Record<Disposition, number>>;
type MutableRow = { -readonly [K in keyof LedgerRow]: LedgerRow[K] };

function judge(book: MessageBook, copies: CopyBook): Judgement {
  if (book.size === 0 && copies.size === 0) return judged('unverified', 'harness', 'nothing was published');
  const rows = new Map<number, MutableRow>();
  const evidence: number[] = [];
  const show = (seq: number) => {
    if (evidence.length < evidenceKept) evidence.push(seq);
  };
  const counts: Record<Disposition, number> = { delivered: 0, refused: 0, expired: 0, inFlight: 0 };
  const count = (copy: number | undefined): Counts => {
    for (let column = 0; column < dispositions.length; column++)
      counts[dispositions[column]!] = copy === undefined ? 0 : copies.rows.get(copy, column);
    return counts;
  };
  for (const message of book.messages()) {
    for (const receiver of message.receivers) {
      const copy = copies.find(message.number, receiver);
      const row = rowOf(rows, receiver, book);
      if (copy !== undefined) copies.rows.set(copy, owed, 1);
      if (!enterCopy(row, message, count(copy))) show(copy === undefined ? message.invoked : copies.rows.seq(copy));
    }
  }
  for (let copy = 0; copy < copies.size; copy++) {
    if (copies.rows.get(copy, owed) === 1) continue;
    const row = rowOf(rows, copies.of(copy).node, book);
    const entered = count(copy);
    for (const disposition of dispositions) row[disposition] += entered[disposition];
    row.unbalanced += 1;
    show(copies.rows.seq(copy));
  }
  const ledger = [...rows.values()].toSorted((a, b) => (a.subscriber < b.subscriber ? -1 : 1));
  const sum = (field: Exclude<keyof LedgerRow, 'subscriber'>) => ledger.reduce((total, row) => total + row[field], 0);
  const equation =
    `${sum('published')} published = ${sum('delivered')} delivered + ${sum('refused')} refused + ` +
    `${sum('expired')} expired + ${sum('inFlight')} in flight` +
    (sum('unknown') > 0 ? ` + ${sum('unknown')} unanswered` : '');
  const unbalanced = sum('unbalanced');
  if (unbalanced === 0) return { ...pass(equation), ledger };
  return { ...fails(`${unbalanced} copies do not balance: ${equation}`, evidence), ledger };
}

/** @returns whether the copy has exactly the one disposition it must have */
function enterCopy(row: MutableRow, message: Message, counts: Counts): boolean {
  const total = counts.delivered + counts.refused + counts.expired + counts.inFlight;
  for (const disposition of dispositions) row[disposition] += counts[disposition];
  // A send that was refused published nothing; one without an answer published something only if it turned up.
  if (message.certainty === 'refused') {
    if (total === 0) return true;
  } else {
    row.published += 1;
    if (total === 1) return true;
    if (total === 0 && message.certainty === 'unknown') {
      row.unknown += 1;
      return true;
    }
  }
  row.unbalanced += 1;
  return false;
}

function rowOf(rows: Map<number, MutableRow>, node: number, { names }: MessageBook): MutableRow {
  const known = rows.get(node);
  if (known) return known;
  const row = { subscriber: names.list[node]!, published: 0, delivered: 0, refused: 0, expired: 0, inFlight: 0, unknown: 0, unbalanced: 0 };
  rows.set(node, row);
  return row;
}
