/**
 * Owner of a run's temporary directory and of every process started under it. Its second half is a small shell process that
 * outlives us: when our end of its pipe closes — for whatever reason, `kill -9` included — it ends what is left and removes the directory.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killGroup } from './process-table.ts';

/** Processes started for a run carry this, so that those which left their process group are found as well. */
export const RUN_VARIABLE = 'MUSTER_LAB_RUN';

export interface Reaper extends AsyncDisposable {
  /** the run's own directory, mode 0700; gone after disposal */
  readonly directory: string;
  /** environment that every process of the run must get */
  readonly environment: Readonly<Record<string, string>>;
  /** puts a process group under care */
  adopt(group: number): void;
  /** the group has ended; its number may be taken by others from now on */
  release(group: number): void;
}

// Standard input carries the whole list of groups, one list a line; its end is the signal to clean up.
const WATCHDOG = `
trap '' HUP INT TERM QUIT
groups=
while IFS= read -r line; do groups=$line; done
for group in $groups; do kill -9 -- "-$group"; done
round=0
while [ $round -lt 100 ]; do
  left=
  for file in $(grep -ls -- "$1" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    kill -9 "\${pid%/environ}" && left=1
  done
  [ -z "$left" ] && rm -rf -- "$2" && [ ! -e "$2" ] && exit 0
  round=$((round + 1))
  sleep 0.05
done
rm -rf -- "$2"
`;

/** Starts a reaper with a fresh directory under the system's temporary one. */
export async function startReaper(prefix = 'muster-lab-'): Promise<Reaper> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), prefix)));
  const value = randomBytes(16).toString('hex');
  const groups = new Set<number>();
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'muster-watchdog', `${RUN_VARIABLE}=${value}`, directory], {
    detached: true, // a Ctrl-C in the terminal must not reach it
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = once(watchdog, 'exit').catch(() => undefined);
  await once(watchdog, 'spawn');
  watchdog.unref();
  watchdog.stdin.on('error', () => undefined); // a watchdog that was killed is noticed at disposal
  if ('unref' in watchdog.stdin && typeof watchdog.stdin.unref === 'function') watchdog.stdin.unref();
  const tell = (): void => void watchdog.stdin.write(`${[...groups].join(' ')}\n`);

  let disposal: Promise<void> | undefined;
  const dispose = async (): Promise<void> => {
    for (const group of groups) killGroup(group, 'SIGKILL');
    watchdog.ref();
    watchdog.stdin.end();
    await ended;
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  return {
    directory,
    environment: { [RUN_VARIABLE]: value },
    adopt(group) {
      groups.add(group);
      tell();
    },
    release(group) {
      if (groups.delete(group)) tell();
    },
    [Symbol.asyncDispose]: () => (disposal ??= dispose()),
  };
}
