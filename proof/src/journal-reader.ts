/** Reads a journal as a stream: strict about every line but a torn last one. */
import { type JournalLine, journalLine } from './journal.ts';

export type JournalErrorCode = 'not-utf8' | 'not-json' | 'not-canonical' | 'bad-shape' | 'bad-seq' | 'time-backwards' | 'too-long' | 'torn';

/** A line that cannot be evidence. `line` counts from 1. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly code: JournalErrorCode;
  readonly line: number;

  constructor(code: JournalErrorCode, line: number, message: string) {
    super(`journal line ${line}: ${message}`);
    this.code = code;
    this.line = line;
  }
}

export const maxLineBytes = 16 * 1024 * 1024;
const newline = 0x0a;

export interface ReadOptions {
  /** A crash can leave half a last line. `allow` (default) ends there and calls `onTorn`; `refuse` throws `torn`. */
  readonly torn?: 'allow' | 'refuse';
  readonly onTorn?: (line: number) => void;
}

/** @throws JournalError */
export async function* readJournal(chunks: Chunks, options: ReadOptions = {}): AsyncGenerator<JournalLine, void, undefined> {
  const parser = new LineParser();
  for await (const { bytes, whole } of splitLines(chunks)) {
    if (whole) yield parser.next(bytes);
    else if (options.torn === 'refuse') throw new JournalError('torn', parser.count + 1, 'the last line does not end');
    else options.onTorn?.(parser.count + 1);
  }
}

export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Lines without their ends; `whole` is false for a last one that has none. @throws JournalError `too-long` */
export async function* splitLines(chunks: Chunks): AsyncGenerator<{ readonly bytes: Uint8Array; readonly whole: boolean }, void, undefined> {
  let rest: Uint8Array[] = [];
  let restLength = 0;
  let count = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const piece = chunk.subarray(start, end);
      yield { bytes: rest.length === 0 ? piece : Buffer.concat([...rest, piece]), whole: true };
      rest = [];
      restLength = 0;
      count += 1;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    rest.push(chunk.subarray(start));
    restLength += chunk.length - start;
    if (restLength > maxLineBytes) throw new JournalError('too-long', count + 1, `over ${maxLineBytes} bytes`);
  }
  if (restLength > 0) yield { bytes: Buffer.concat(rest), whole: false };
}

class LineParser {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #time = 0;
  count = 0;

  next(bytes: Uint8Array): JournalLine {
    this.count += 1;
    if (bytes.length > maxLineBytes) throw this.#error('too-long', `over ${maxLineBytes} bytes`);
    const line = this.#shaped(this.#decoded(bytes));
    if (line.seq !== this.count) throw this.#error('bad-seq', `seq is ${line.seq}, expected ${this.count}`);
    if (line.t < this.#time) throw this.#error('time-backwards', `t is ${line.t} after ${this.#time}`);
    this.#time = line.t;
    return line;
  }

  #decoded(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw this.#error('not-utf8', 'not UTF-8');
    }
  }

  #shaped(text: string): JournalLine {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw this.#error('not-json', 'not JSON');
    }
    if (JSON.stringify(value) !== text) throw this.#error('not-canonical', 'not serialised as the writer does');
    const parsed = journalLine.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw this.#error('bad-shape', `${issue?.path.join('.') || 'line'}: ${issue?.message ?? 'not a journal line'}`);
  }

  #error(code: JournalErrorCode, message: string): JournalError {
    return new JournalError(code, this.count, message);
  }
}
