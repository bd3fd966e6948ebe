import { readFileSync, readlinkSync } from 'node:fs';

/**
 * What tells one process from a later one with the same id: boot, pid namespace and start time on Linux, nothing elsewhere.
 * Undefined = no process of that id is running here.
 */
export function processMark(pid: number): string | undefined {
  if (process.platform !== 'linux') return runs(pid) ? '' : undefined;
  const stat = read(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything; the start time is the 20th field after it.
  const started = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return started && `${placeMark()}/${started}`;
}

/** The boot and the pid namespace that process ids of this machine mean something in. */
export function placeMark(): string {
  if (process.platform !== 'linux') return '';
  return `${read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}/${readlinkSync('/proc/self/ns/pid')}`;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
