/** One daemon as a process of its own group, with its output captured. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { LabClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import { BoundedLog } from './bounded-log.ts';
import { inLines } from './lines.ts';
import { groupMembers, killGroup, type ProcessRow } from './process-table.ts';
import type { Reaper } from './reaper.ts';

export interface DaemonLaunch {
  readonly command: string;
  readonly args: readonly string[];
  /** the whole environment; nothing is inherited */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** where its output goes */
  readonly log: string;
  /** gets its output line by line, too */
  readonly said?: ((line: string) => void) | undefined;
}

export interface DaemonExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The command is not there, or is nothing that can be executed: no fault of what it would have started. */
export class CannotExecute extends Error {
  override readonly name = 'CannotExecute';
}

/** The last words of a daemon that ended, or that never came up. */
const LAST_WORDS_BYTES = 2000;
const GROUP_END_MS = 5000;

export class DaemonProcess implements AsyncDisposable {
  readonly pid: number;
  readonly log: BoundedLog;
  /** set once the daemon itself has ended; its children may live on until disposal */
  exit: DaemonExit | undefined;
  /** resolves when the daemon itself has ended */
  readonly ended: Promise<DaemonExit>;
  readonly #reaper: Reaper;
  readonly #clock: LabClock;
  #disposal: Promise<void> | undefined;

  private constructor(child: ChildProcess, pid: number, { log, said }: DaemonLaunch, reaper: Reaper, clock: LabClock) {
    this.pid = pid;
    this.log = new BoundedLog(log);
    this.#reaper = reaper;
    this.#clock = clock;
    reaper.adopt(pid);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => this.log.append(chunk));
      if (!said) continue;
      const { push, end } = inLines(said);
      stream?.on('data', push).once('end', end);
    }
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
  }

  /** @throws CannotExecute */
  static async start(launch: DaemonLaunch, reaper: Reaper, clock: LabClock): Promise<DaemonProcess> {
    const child = spawn(launch.command, launch.args, {
      detached: true, // its own session and group: a Ctrl-C in our terminal is ours alone
      cwd: launch.cwd,
      env: { ...launch.env, ...reaper.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new CannotExecute(`cannot run ${launch.command}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    return new DaemonProcess(child, child.pid!, launch, reaper, clock);
  }

  /** true while the daemon itself runs, paused included */
  get alive(): boolean {
    return this.exit === undefined;
  }

  get lastWords(): string {
    return this.log.tail(LAST_WORDS_BYTES).trim();
  }

  /** signals the whole group; false when nothing of it is left */
  signal(signal: NodeJS.Signals): boolean {
    return killGroup(this.pid, signal);
  }

  /** living processes of the group: evidence */
  members(): Promise<ProcessRow[]> {
    return groupMembers(this.pid);
  }

  /** SIGTERM, and after `grace` ms SIGKILL; then whatever the daemon started. Resolves when the group is gone. */
  async stop(grace = 2000): Promise<DaemonExit> {
    this.signal('SIGCONT'); // a paused process cannot end politely
    this.signal('SIGTERM');
    const patience = new AbortController();
    await Promise.race([this.ended, this.#clock.sleep(grace, patience.signal).catch(() => undefined)]);
    patience.abort();
    return this.kill();
  }

  /** SIGKILL to the group. Resolves when it is gone. */
  async kill(): Promise<DaemonExit> {
    this.signal('SIGKILL');
    const exit = await this.ended;
    const gone = async (): Promise<boolean> => (await this.members()).length === 0;
    await eventually(this.#clock, gone, { within: GROUP_END_MS, every: 5, what: `end of process group ${this.pid}` });
    this.#reaper.release(this.pid);
    this.log.finish();
    return exit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#disposal ??= this.stop().then(() => undefined));
  }
}
