/** What is particular about `muster prove --world sim`. */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:os';
import { entry } from './entries.ts';
import { printLine } from './output.ts';
import type { ProveRequest } from './prove.ts';

export type World = 'local' | 'sim';

/** MiB of heap that a simulation may take */
const HEAP_MB = 7_168;
const HEAP_FLAG = '--max-old-space-size=';
/** what a thousand nodes say lives for a moment: with more room for it, less of it is moved */
const YOUNG_FLAG = '--max-semi-space-size=64';
const SEED_BELOW = 1_000_000_000;

export function isSimulationProcess(): boolean {
  return process.execArgv.some((flag) => flag.startsWith(HEAP_FLAG));
}

/** Does the same command in a process with room for a simulation. Resolves with its exit code. */
export async function becomeSimulationProcess(): Promise<number> {
  const { flags, file } = entry('muster');
  const child = spawn(process.execPath, [`${HEAP_FLAG}${HEAP_MB}`, YOUNG_FLAG, ...flags, file, ...process.argv.slice(2)], {
    // As for whoever starts our commands: it ends in order when this process is gone, however that came about.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal ? constants.signals[signal] : 0);
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
}

/** One seed after the other. Resolves with the exit code of the first that does not pass, whose bundle stays; 0 when all do. */
export async function searchSeeds(request: ProveRequest, count: number, run: (request: ProveRequest) => Promise<number>): Promise<number> {
  const first = request.seed ?? randomInt(SEED_BELOW);
  const { seeds: _, ...each } = request;
  for (let index = 0; index < count; index++) {
    const code = await run({ ...each, seed: first + index, quiet: true });
    if (code !== 0) return code;
  }
  if (!request.json) await printLine(`${count} seeds from ${first} passed`);
  return 0;
}
