/** Runs a command to its end, with a time limit and bounded output. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { killGroup } from '../process/process-table.ts';
import type { CliCommand } from './target-node.ts';

const OUTPUT_LIMIT_BYTES = 4 * 1024 * 1024;

export interface CommandResult {
  /** exit code; undefined when it was cut off */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCommand(cli: CliCommand, args: readonly string[], timeout: number, stdin = ''): Promise<CommandResult> {
  const child = spawn(cli.command, [...cli.args, ...args], { detached: true, env: { ...cli.env }, stdio: 'pipe' });
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text: string) => {
      if (out[name].length < OUTPUT_LIMIT_BYTES) out[name] += text;
    });
  }
  child.stdin.on('error', () => undefined); // it may end without reading
  child.stdin.end(stdin);
  let cut = false;
  const timer = setTimeout(() => {
    cut = true;
    if (child.pid !== undefined) killGroup(child.pid, 'SIGKILL');
  }, timeout);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code: cut || code === null ? undefined : code, ...out };
  } finally {
    clearTimeout(timer);
  }
}
