/** Standard output that waits for a slow reader and ends quietly with one that has left. */
import { once } from 'node:events';

let readerLeft = false;

/** `exit`: end the process once nobody reads. `go-on`: finish the work and drop what is printed. A function: the same, and it is told. */
export function onReaderLeft(policy: 'exit' | 'go-on' | (() => void)): void {
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    readerLeft = true;
    if (policy === 'exit') process.exit(process.exitCode ?? 0);
    if (typeof policy === 'function') policy();
  });
}

/** Writes `text`; resolves when more may be written. */
export async function print(text: string): Promise<void> {
  if (readerLeft || process.stdout.write(text)) return;
  await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]);
}

export const printLine = (line: string): Promise<void> => print(`${line}\n`);

/** of the terminal that is written to; `Infinity` where there is none, or it does not say */
export const columns = (): number => (process.stdout.isTTY && process.stdout.columns) || Infinity;

/** Indented for a person, compact for a program. */
export const printJson = (value: unknown): Promise<void> => printLine(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined));

export function complain(message: string): void {
  process.stderr.write(`${message}\n`);
}
