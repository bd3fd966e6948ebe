/** Keeps the beginning and the end of a process's output in a file of bounded size, and its latest lines at hand. */
import { appendFileSync, writeFileSync } from 'node:fs';

const LOG_HEAD_BYTES = 4 * 1024 * 1024;
const LOG_TAIL_BYTES = 256 * 1024;

export class BoundedLog {
  readonly path: string;
  readonly #headBytes: number;
  readonly #tailBytes: number;
  #written = 0;
  #tail: Buffer[] = [];
  #tailSize = 0;
  #left = 0;

  constructor(path: string, headBytes = LOG_HEAD_BYTES, tailBytes = LOG_TAIL_BYTES) {
    this.path = path;
    this.#headBytes = headBytes;
    this.#tailBytes = tailBytes;
    writeFileSync(path, '', { mode: 0o600 });
  }

  append(chunk: Buffer): void {
    const room = this.#headBytes - this.#written;
    if (room > 0) {
      const head = chunk.subarray(0, room);
      appendFileSync(this.path, head);
      this.#written += head.length;
      if (head.length < chunk.length) this.#left += chunk.length - head.length;
    } else {
      this.#left += chunk.length;
    }
    this.#keepTail(chunk);
  }

  #keepTail(chunk: Buffer): void {
    this.#tail.push(chunk);
    this.#tailSize += chunk.length;
    while (this.#tailSize - (this.#tail[0]?.length ?? 0) >= this.#tailBytes) {
      this.#tailSize -= this.#tail.shift()!.length;
    }
  }

  /** the latest output, at most the tail's size */
  tail(bytes = this.#tailBytes): string {
    const all = Buffer.concat(this.#tail);
    return all.subarray(Math.max(0, all.length - Math.min(bytes, this.#tailBytes))).toString('utf8');
  }

  /** Appends what the file's bound left out: a line that says how much is missing, then the end of the output. */
  finish(): void {
    if (this.#left === 0) return;
    const tail = Buffer.concat(this.#tail).subarray(-Math.min(this.#left, this.#tailBytes));
    const missing = this.#left - tail.length;
    appendFileSync(this.path, `\n[${missing} bytes left out]\n`);
    appendFileSync(this.path, tail);
    this.#left = 0;
    this.#written = this.#headBytes;
  }
}
