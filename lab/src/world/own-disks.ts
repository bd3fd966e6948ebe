/**
 * Disks of their own for daemons: a directory of each is a file system in memory, in a mount namespace that outlives the daemons and that only they see.
 * Such a disk is full when the lab says so: its size becomes what is on it. Linux only; needs root or user namespaces.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statfsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { DaemonLaunch } from '../process/daemon-process.ts';
import type { Reaper } from '../process/reaper.ts';

/** Mounts a disk at each of its arguments, then sets their sizes as asked for. Ends with its input, and with it the namespace once no daemon is in it. What is mounted is named again, or mount repeats its owner, whom a user namespace may not know. */
const KEEPER = `
for directory; do mount -t tmpfs -o size=50%,mode=700 muster-lab "$directory" 2>&1 || exit 1; done
echo ready
while read -r size directory; do said=$(mount -o "remount,size=$size" muster-lab "$directory" 2>&1) && echo ok || printf '%s\\n' "$said" | head -n 1; done
`;
/** as much of the machine's memory as any such file system may take */
const ROOMY = '50%';
/** the daemon may write between the look at what is on it and the new size */
const ATTEMPTS = 20;

/** This machine lets nobody like us mount anything. */
export class NoDisks extends Error {
  override readonly name = 'NoDisks';
}

interface Namespaces {
  readonly make: readonly string[];
  readonly enter: readonly string[];
}
const OF_ROOT: Namespaces = { make: ['--mount'], enter: ['--mount'] };
/** Root of a user namespace may mount there. Files of others would be nobody's, so it is the second choice of root. */
const OF_ANYBODY: Namespaces = { make: ['--user', '--map-root-user', '--mount'], enter: ['--user', '--preserve-credentials', '--mount'] };

export class OwnDisks implements AsyncDisposable {
  readonly #keeper: ChildProcess;
  readonly #enter: readonly string[];
  readonly #lines: AsyncIterator<string>;
  readonly #reaper: Reaper;
  readonly #full = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(keeper: ChildProcess, enter: readonly string[], lines: AsyncIterator<string>, reaper: Reaper) {
    this.#keeper = keeper;
    this.#enter = enter;
    this.#lines = lines;
    this.#reaper = reaper;
  }

  /** @throws NoDisks with the reason */
  static async open(directories: readonly string[], reaper: Reaper): Promise<OwnDisks> {
    if (process.platform !== 'linux') throw new NoDisks('a disk that can be filled is made on Linux only');
    const reasons: string[] = [];
    for (const { make, enter } of process.geteuid!() === 0 ? [OF_ROOT, OF_ANYBODY] : [OF_ANYBODY]) {
      const keeper = spawn('unshare', [...make, '/bin/sh', '-c', KEEPER, 'muster-disks', ...directories], {
        detached: true, // a Ctrl-C in our terminal must not take the disks from under the daemons
        env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C', ...reaper.environment },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      try {
        await once(keeper, 'spawn');
      } catch (error) {
        throw new NoDisks(`cannot run unshare: ${(error as Error).message}`, { cause: error });
      }
      reaper.adopt(keeper.pid!);
      keeper.stdin!.on('error', () => undefined); // a keeper that was killed shows when it is asked
      const errors = text(keeper.stderr!);
      const lines = createInterface({ input: keeper.stdout! })[Symbol.asyncIterator]();
      const first = await lines.next();
      if (first.value === 'ready') return new OwnDisks(keeper, enter, lines, reaper);
      reaper.release(keeper.pid!);
      reasons.push(first.value ?? (await errors).trim());
    }
    throw new NoDisks(`no disk can be mounted here: ${reasons.join('; ')}`);
  }

  /** The launch, with the disks where they are mounted. The daemon stays the process that is started. */
  launch(launch: DaemonLaunch): DaemonLaunch {
    // Whoever enters finds itself at the root.
    const there = ['/bin/sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', launch.cwd];
    const args = [`--target=${this.#keeper.pid}`, ...this.#enter, ...there, launch.command, ...launch.args];
    return { ...launch, command: 'nsenter', args };
  }

  /** where the lab finds what the daemons know by this path */
  outside(path: string): string {
    return `/proc/${this.#keeper.pid}/root${path}`;
  }

  /** bytes that still fit on the disk of this directory */
  free(directory: string): number {
    const { bavail, bsize } = statfsSync(this.outside(directory));
    return bavail * bsize;
  }

  /** The lab filled it. */
  isFull(directory: string): boolean {
    return this.#full.has(directory);
  }

  /** Nothing more fits on it. @returns bytes on it */
  async fill(directory: string): Promise<number> {
    let answer = '';
    for (let tried = 0; tried < ATTEMPTS; tried++) {
      const { blocks, bfree, bsize } = statfsSync(this.outside(directory));
      const used = Math.max(1, blocks - bfree) * bsize;
      answer = await this.#resize(`${used}`, directory);
      if (answer !== 'ok') continue;
      this.#full.add(directory);
      return used;
    }
    throw new Error(`the disk at ${directory} cannot be filled: ${answer}`);
  }

  async empty(directory: string): Promise<void> {
    const answer = await this.#resize(ROOMY, directory);
    if (answer !== 'ok') throw new Error(`the disk at ${directory} cannot be made roomy again: ${answer}`);
    this.#full.delete(directory);
  }

  /** One after another: answers come in the order of the questions. */
  #resize(size: string, directory: string): Promise<string> {
    const ask = async (): Promise<string> => {
      this.#keeper.stdin!.write(`${size} ${directory}\n`);
      return (await this.#lines.next()).value ?? 'whoever keeps the disks is gone';
    };
    const answer = this.#turn.then(ask);
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  /** The disks are gone once no daemon is left that has them. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#keeper.exitCode === null && this.#keeper.signalCode === null ? once(this.#keeper, 'exit') : undefined;
    this.#keeper.stdin!.end();
    await ended;
    this.#reaper.release(this.#keeper.pid!);
  }
}
