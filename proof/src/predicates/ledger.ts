/** The ledger: for every message id and every subscriber, published = delivered + refused + expired + in flight. */
import { z } from 'zod';
import { type Observations, observationsSchema } from '../claim.ts';
import type { JsonPointer } from '../json.ts';
import type { ObserveLine } from '../journal.ts';
import { keyOf, type Message, MessageBook, type Sends, sendsSchema } from './book.ts';
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
    const recorded = new Map<string, { readonly counts: Record<Disposition, number>; readonly seq: number }>();
    let keyless: number | undefined;
    const enter = (line: ObserveLine) => {
      for (const disposition of dispositions) {
        const source = params[disposition];
        if (!source || !picksObservation(source.observe, line)) continue;
        const key = keyOf(line.data, source.key);
        if (key === undefined) {
          keyless ??= line.seq;
          continue;
        }
        const copy = `${line.node}\n${key}`;
        const known = recorded.get(copy) ?? { counts: { delivered: 0, refused: 0, expired: 0, inFlight: 0 }, seq: line.seq };
        known.counts[disposition] += 1;
        recorded.set(copy, known);
      }
    };
    return {
      interest: { types: [...operationLines, 'observe'] },
      line: (line) => (line.type === 'observe' ? enter(line) : book.line(line)),
      result() {
        book.close();
        if (book.unusable.length > 0) return inconclusive('harness', 'sends that cannot be told apart', book.unusable);
        if (keyless !== undefined) return fails('an entry without a message id', [keyless]);
        return judge(book.messages, recorded);
      },
    };
  },
};

type Recorded = ReadonlyMap<string, { readonly counts: Readonly<Record<Disposition, number>>; readonly seq: number }>;
type MutableRow = { -readonly [K in keyof LedgerRow]: LedgerRow[K] };

function judge(messages: ReadonlyMap<string, Message>, recorded: Recorded): Judgement {
  if (messages.size === 0 && recorded.size === 0) return judged('unverified', 'harness', 'nothing was published');
  const rows = new Map<string, MutableRow>();
  const evidence: number[] = [];
  const strangers = new Map(recorded);
  for (const message of messages.values()) {
    for (const subscriber of message.receivers) {
      const copy = `${subscriber}\n${message.key}`;
      const entry = strangers.get(copy);
      strangers.delete(copy);
      const row = rowOf(rows, subscriber);
      if (!enterCopy(row, message, entry?.counts)) evidence.push(entry?.seq ?? message.seq);
    }
  }
  for (const [copy, entry] of strangers) {
    const row = rowOf(rows, copy.slice(0, copy.indexOf('\n')));
    for (const disposition of dispositions) row[disposition] += entry.counts[disposition];
    row.unbalanced += 1;
    evidence.push(entry.seq);
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
function enterCopy(row: MutableRow, message: Message, counts: Readonly<Record<Disposition, number>> | undefined): boolean {
  const total = counts ? dispositions.reduce((sum, disposition) => sum + counts[disposition], 0) : 0;
  for (const disposition of dispositions) row[disposition] += counts?.[disposition] ?? 0;
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

function rowOf(rows: Map<string, MutableRow>, subscriber: string): MutableRow {
  const fresh = { subscriber, published: 0, delivered: 0, refused: 0, expired: 0, inFlight: 0, unknown: 0, unbalanced: 0 };
  const row = rows.get(subscriber) ?? fresh;
  rows.set(subscriber, row);
  return row;
}
