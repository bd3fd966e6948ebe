/** What the operating system says about processes: the evidence that a fault really happened. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

export interface ProcessRow {
  readonly pid: number;
  readonly group: number;
  /** one letter as in `ps`: R, S, D running or waiting; T stopped; Z ended but not collected */
  readonly state: string;
}

/** Sends a signal to every process of a group; false when none is left. */
export function killGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-group, signal);
  } catch (error) {
    if (isCode(error, 'ESRCH') || isCode(error, 'EPERM')) return false; // EPERM: on macOS, only zombies are left
    throw error;
  }
}

/** Living processes of a group; those that ended but were not collected yet do not count. */
export async function groupMembers(group: number): Promise<ProcessRow[]> {
  const rows = process.platform === 'linux' ? readProc() : await readPs();
  return rows.filter((row) => row.group === group && !row.state.startsWith('Z') && !row.state.startsWith('X'));
}

function readProc(): ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const row = readStat(name);
    if (row) rows.push(row);
  }
  return rows;
}

function readStat(pid: string): ProcessRow | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // ended while we were looking
  }
  // The second field is the command in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid: Number(pid), state: fields[0] ?? '?', group: Number(fields[2]) };
}

async function readPs(): Promise<ProcessRow[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,pgid=,stat=']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, group, state]) => ({ pid: Number(pid), group: Number(group), state: state ?? '?' }));
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
