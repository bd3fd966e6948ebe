/** Writes a journal, line by line, to whatever it is given. */
import { isHotLine, isPlainJson } from './hot-line.ts';
import { type JournalEntry, type JournalLine, journalLine } from './journal.ts';
import { Redactor } from './redaction.ts';

/** Where lines go. `append` keeps the order and does not wait; `flush` resolves once everything appended is handed to the system. */
export interface AppendSink {
  append(text: string): void;
  flush(): Promise<void>;
}

export interface JournalWriterOptions {
  readonly sink: AppendSink;
  /** milliseconds since the run began, monotonic */
  readonly elapsed: () => number;
  /** strings that must never be written */
  readonly secrets?: Iterable<string>;
  /** sees each line as it was written, after redaction */
  readonly onLine?: (line: JournalLine) => void;
}

export class JournalWriter {
  readonly #options: JournalWriterOptions;
  readonly #redactor = new Redactor();
  #seq = 0;
  #last = 0;

  constructor(options: JournalWriterOptions) {
    this.#options = options;
    for (const secret of options.secrets ?? []) this.#redactor.add(secret);
  }

  /** `seq` of the last line written; 0 before the first */
  get seq(): number {
    return this.#seq;
  }

  /** From now on this string is written as `[secret]`. At least 8 characters. */
  addSecret(secret: string): void {
    this.#redactor.add(secret);
  }

  /** The redactor, for other evidence of the same run (node logs). */
  get redactor(): Redactor {
    return this.#redactor;
  }

  /**
   * Stamps and writes one line.
   * @returns the line as written: `seq`, `t`, secrets replaced
   * @throws z.ZodError when the entry has not the shape of its type
   */
  write(entry: JournalEntry): JournalLine {
    const t = Math.max(this.#last, Math.round(this.#options.elapsed() * 1000) / 1000);
    const stamped = { seq: this.#seq + 1, t, ...entry };
    const raw = JSON.stringify(stamped);
    const secret = this.#redactor.findsIn(raw);
    const text = secret ? JSON.stringify(this.#redactor.json(stamped)) : raw;
    // What is judged live is exactly what a reader of the file will judge: where it is not plain, it goes through text and back.
    const written = !secret && isHotLine(stamped) && isPlainJson(stamped) ? stamped : journalLine.parse(JSON.parse(text));
    this.#options.sink.append(`${text}\n`);
    this.#seq += 1;
    this.#last = t;
    this.#options.onLine?.(written);
    return written;
  }

  flush(): Promise<void> {
    return this.#options.sink.flush();
  }
}
