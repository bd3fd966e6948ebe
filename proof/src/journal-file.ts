/** The journal on disk. */
import { closeSync, constants, createReadStream, fdatasync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { AppendSink } from './journal-writer.ts';
import { type ReadOptions, readJournal } from './journal-reader.ts';
import type { JournalLine } from './journal.ts';

const flushAt = 1024 * 1024;
/** ms after which what was written is synchronised to disk */
const SYNC_MS = 500;

/**
 * Appends to a new 0600 file; lines of one turn of the event loop become one write. Writes are synchronous, so a crash
 * loses at most that turn and leaves whole lines but for the last; a machine that fails loses at most a second.
 */
export class JournalFile implements AppendSink, AsyncDisposable {
  readonly path: string;
  readonly #fd: number;
  #pending: string[] = [];
  #pendingLength = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #syncing: NodeJS.Timeout | undefined;
  #closed = false;

  /** @throws EEXIST when the file is there already: a journal is never overwritten or continued */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND, 0o600);
  }

  append(text: string): void {
    if (this.#closed) throw new Error(`journal ${this.path} is closed`);
    this.#pending.push(text);
    this.#pendingLength += text.length;
    if (this.#pendingLength >= flushAt) this.flushSync();
    else this.#scheduled ??= setImmediate(() => this.flushSync());
  }

  /** For exit handlers: what was appended is with the system when this returns. */
  flushSync(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#pending.length === 0) return;
    const bytes = Buffer.from(this.#pending.join(''), 'utf8');
    this.#pending = [];
    this.#pendingLength = 0;
    for (let written = 0; written < bytes.length;) written += writeSync(this.#fd, bytes, written);
    this.#syncing ??= setTimeout(() => this.#sync(), SYNC_MS).unref();
  }

  /** Beside the work; that it failed shows when the file is closed. */
  #sync(): void {
    this.#syncing = undefined;
    if (!this.#closed) fdatasync(this.#fd, () => undefined);
  }

  async flush(): Promise<void> {
    this.flushSync();
  }

  /** Flushed and synchronised to disk. Calling it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.flushSync();
    this.#closed = true;
    clearTimeout(this.#syncing);
    fsyncSync(this.#fd);
    closeSync(this.#fd);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** Lines of a journal file, many at a time. @throws JournalError */
export function readJournalFile(path: string, options: ReadOptions = {}): AsyncGenerator<readonly JournalLine[], void, undefined> {
  return readJournal(createReadStream(path, { highWaterMark: 256 * 1024 }), options);
}
