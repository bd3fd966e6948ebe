/** What a process and its files take up, as the operating system says. */
import { type Dirent, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface ProcessUsage {
  /** resident memory */
  readonly rss_bytes: number;
  /** open files, sockets, pipes and the like */
  readonly handles: number;
  readonly sockets: number;
  /** handles that are no sockets: how many sockets there are, others have a say in */
  readonly files: number;
  /** of all its threads, user and system, since it began */
  readonly cpu_ms: number;
}

/** Linux tells processor time in hundredths of a second, whatever its own ticks are. */
const TICK_MS = 10;

/** @returns undefined when there is no such process, or no `/proc` to look into */
export function processUsage(pid: number): ProcessUsage | undefined {
  const proc = `/proc/${pid}`;
  try {
    // None of a process that has ended and was not waited for.
    const [, kilobytes = 0] = /^VmRSS:\s*(\d+) kB$/mu.exec(readFileSync(`${proc}/status`, 'latin1')) ?? [];
    const stats = readFileSync(`${proc}/stat`, 'latin1');
    // The second field is the command in parentheses and may itself hold spaces and parentheses.
    const fields = stats.slice(stats.lastIndexOf(')') + 2).split(' ');
    const handles = readdirSync(`${proc}/fd`);
    const sockets = handles.filter((handle) => isSocket(`${proc}/fd/${handle}`)).length;
    return {
      rss_bytes: Number(kilobytes) * 1_024,
      handles: handles.length,
      sockets,
      files: handles.length - sockets,
      cpu_ms: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    };
  } catch {
    return undefined;
  }
}

function isSocket(handle: string): boolean {
  try {
    return readlinkSync(handle).startsWith('socket:');
  } catch {
    return false; // closed while we were looking
  }
}

/** Bytes of all files under these directories; what is not there, or goes while we look, counts for nothing. */
export async function diskUsage(directories: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const directory of directories) {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((): Dirent[] => []);
    const sizes = entries
      .filter((entry) => entry.isFile())
      .map((entry) => stat(join(entry.parentPath, entry.name)).then(({ size }) => size, () => 0)); // prettier-ignore
    for (const size of await Promise.all(sizes)) bytes += size;
  }
  return bytes;
}
