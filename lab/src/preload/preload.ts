/** The lab's hand in a daemon that runs on Node: what `main.ts` does there, by what the files say. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Json } from '@muster/proof';
import { systemClock } from '../clock.ts';
import { DeadlineError, eventually } from '../eventually.ts';
import type { Control, Report } from './control.ts';

const extension = extname(fileURLToPath(import.meta.url));
const main = fileURLToPath(new URL(`./main${extension}`, import.meta.url));

/** ms for a process to take up a change; one that stands still takes it up when it goes on */
const TAKEN_MS = 5_000;
const NOTHING: Control = { turn: 0, skew_ms: 0, drift_ppm: 0, since_ms: 0, sync_ms: 0 };

/** Evidence: which processes did not take up a change in time, if any. */
export type Taken = Readonly<Record<string, Json>>;

export class Preload {
  readonly #directory: string;
  readonly #takenMs: number;
  #control = NOTHING;

  constructor(directory: string, takenMs = TAKEN_MS) {
    this.#directory = directory;
    this.#takenMs = takenMs;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#write();
  }

  /** What brings it into every Node process that is started with it. */
  environment(given: Readonly<Record<string, string>>): Record<string, string> {
    const options = [given['NODE_OPTIONS'], `--import=${pathToFileURL(main).href}`];
    return { ...given, NODE_OPTIONS: options.filter((one) => one !== undefined).join(' '), MUSTER_LAB_PRELOAD: this.#directory };
  }

  /** What processes of a former life reported is not of the next one's. */
  forget(): void {
    for (const { file } of this.#reports()) rmSync(file, { force: true });
  }

  /** Processes of this life that it is in, with what they report. */
  reports(): ReadonlyMap<number, Report> {
    return new Map(this.#reports().map(({ pid, file }) => [pid, JSON.parse(readFileSync(file, 'utf8')) as Report]));
  }

  /** Says what is wrong from now on. `members`: processes that are told at once, as far as it is in them. @returns once they go by it, or those that do not yet */
  async set(change: Partial<Control>, members: readonly { readonly pid: number }[]): Promise<Taken> {
    const turn = this.#control.turn + 1;
    this.#control = { ...this.#control, ...change, turn };
    this.#write();
    const loaded = this.reports();
    const told = members.filter(({ pid }) => loaded.has(pid));
    const late = (): number[] => told.flatMap(({ pid }) => (tell(pid, 0) && this.reports().get(pid)?.turn !== turn ? [pid] : []));
    for (const { pid } of told) tell(pid, 'SIGUSR2');
    try {
      await eventually(systemClock, () => late().length === 0, { within: this.#takenMs, every: 5, what: 'the change' });
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      return { not_taken_up_by: late(), within_ms: this.#takenMs };
    }
    return {};
  }

  #write(): void {
    const file = join(this.#directory, 'control.json');
    writeFileSync(`${file}.new`, JSON.stringify(this.#control));
    renameSync(`${file}.new`, file);
  }

  #reports(): { pid: number; file: string }[] {
    return readdirSync(this.#directory).flatMap((name) => {
      const [, pid] = /^(\d+)\.json$/u.exec(name) ?? [];
      return pid === undefined ? [] : [{ pid: Number(pid), file: join(this.#directory, name) }];
    });
  }
}

/** false for what has ended meanwhile, and reads the file when it starts anew */
function tell(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
