/** Reads a journal as a stream: strict about every line but a torn last one. */
import { isHotLine } from './hot-line.ts';
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

/** Lines as they come, many at a time. @throws JournalError */
export async function* readJournal(chunks: Chunks, options: ReadOptions = {}): AsyncGenerator<readonly JournalLine[], void, undefined> {
  const parser = new LineParser();
  for await (const { bytes, whole } of wholeLines(chunks)) {
    if (whole) yield parser.lines(bytes);
    else if (options.torn === 'refuse') throw new JournalError('torn', parser.count + 1, 'the last line does not end');
    else options.onTorn?.(parser.count + 1);
  }
}

export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Blocks of lines that end in a newline; `whole` is false for a last one that has none. @throws JournalError `too-long` */
export async function* wholeLines(chunks: Chunks): AsyncGenerator<{ readonly bytes: Uint8Array; readonly whole: boolean }, void, undefined> {
  let rest: Uint8Array[] = [];
  let restLength = 0;
  let count = 0;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(newline) + 1;
    if (end > 0) {
      const head = chunk.subarray(0, end);
      const bytes = rest.length === 0 ? head : Buffer.concat([...rest, head]);
      if (bytes.length > maxLineBytes) refuseLong(bytes, count);
      yield { bytes, whole: true };
      count += linesIn(bytes);
      rest = [];
      restLength = 0;
    }
    if (end === chunk.length) continue;
    rest.push(chunk.subarray(end));
    restLength += chunk.length - end;
    if (restLength > maxLineBytes) throw tooLong(count + 1);
  }
  if (restLength > 0) yield { bytes: Buffer.concat(rest), whole: false };
}

function linesIn(bytes: Uint8Array): number {
  let count = 0;
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, end + 1)) count += 1;
  return count;
}

function refuseLong(bytes: Uint8Array, before: number): void {
  let start = 0;
  let count = before;
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
    count += 1;
    if (end - start > maxLineBytes) throw tooLong(count);
    start = end + 1;
  }
}

function tooLong(line: number): JournalError {
  return new JournalError('too-long', line, `over ${maxLineBytes} bytes`);
}

class LineParser {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #time = 0;
  count = 0;

  /** `block` ends in a newline */
  lines(block: Uint8Array): JournalLine[] {
    const text = this.#decoded(block);
    if (text !== undefined) return text.slice(0, -1).split('\n').map((line) => this.#next(line)); // prettier-ignore
    // Some line is not UTF-8: one by one, to say which.
    const lines: JournalLine[] = [];
    let start = 0;
    for (let end = block.indexOf(newline); end >= 0; end = block.indexOf(newline, start)) {
      lines.push(this.#next(this.#decoded(block.subarray(start, end))));
      start = end + 1;
    }
    return lines;
  }

  #next(text: string | undefined): JournalLine {
    this.count += 1;
    if (text === undefined) throw this.#error('not-utf8', 'not UTF-8');
    const line = this.#shaped(text);
    if (line.seq !== this.count) throw this.#error('bad-seq', `seq is ${line.seq}, expected ${this.count}`);
    if (line.t < this.#time) throw this.#error('time-backwards', `t is ${line.t} after ${this.#time}`);
    this.#time = line.t;
    return line;
  }

  #decoded(bytes: Uint8Array): string | undefined {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      return undefined;
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
    if (isHotLine(value)) return value;
    const parsed = journalLine.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw this.#error('bad-shape', `${issue?.path.join('.') || 'line'}: ${issue?.message ?? 'not a journal line'}`);
  }

  #error(code: JournalErrorCode, message: string): JournalError {
    return new JournalError(code, this.count, message);
  }
}
