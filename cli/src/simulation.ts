/** What is particular about `muster prove --world sim`. */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:os';
import { entry } from './entries.ts';
import { EXIT_USAGE, Failure } from './failure.ts';
import { INTERRUPTS } from './interruption.ts';
import { print } from './output.ts';
import type { ProveRequest } from './prove.ts';
import { reproduceLine } from './reproduce.ts';

export type World = 'local' | 'sim';

/** MiB of heap that a simulation may take */
const HEAP_MB = 7_168;
const HEAP_FLAG = '--max-old-space-size=';
/** what a thousand nodes say lives for a moment: with more room for it, less of it is moved */
const YOUNG_FLAG = '--max-semi-space-size=64';
const SEED_BELOW = 1_000_000_000;
/** nodes of a world that takes more than a minute or two */
const LARGE = 200;
/** lines about seeds that passed */
const MOST_LINES = 20;
const INTERRUPTED = 'was interrupted';
/** in place of what stands in the line of a terminal */
const REDRAWN = '\r\u001b[2K';

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
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of INTERRUPTS) process.on(signal, pass);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal ? constants.signals[signal] : 0);
  } finally {
    for (const signal of INTERRUPTS) process.off(signal, pass);
  }
}

/** What is to be known before a simulation of so many nodes begins. */
export function sizeWarning(nodes = 0): string | undefined {
  if (nodes <= LARGE) return undefined;
  return 'a large world takes its time: with 1,000 nodes smoke, pubsub, direct and agents took 15 minutes of CPU and 4 GB, and churn more than that again; both grow with the square of the nodes';
}

/** Where a search says how far it is. `live`: a line can be drawn again */
export interface SearchOutput {
  readonly live: boolean;
  print(text: string): Promise<void>;
}

/** One seed after the other. Resolves with the exit code of the first that does not pass, whose bundle stays; 0 when all do. */
export async function searchSeeds(
  request: ProveRequest,
  count: number,
  run: (request: ProveRequest) => Promise<number>,
  { live, print: write }: SearchOutput = { live: process.stdout.isTTY === true, print },
): Promise<number> {
  const first = request.seed ?? randomInt(SEED_BELOW);
  const { seeds: _, ...each } = request;
  const every = Math.ceil(count / MOST_LINES);
  const say = async (text: string): Promise<void> => (request.json ? undefined : write(text));
  for (let index = 0; index < count; index++) {
    const seed = first + index;
    if (live) await say(`${REDRAWN}seed ${seed}; ${index} of ${count} passed`);
    else if (index > 0 && index % every === 0) await say(`${index} of ${count} seeds passed\n`);
    const ended = (how: string): Promise<void> => {
      const before = index === 0 ? 'the first' : `${index} of ${count} passed before it, from ${first}`;
      const again = reproduceLine(each, String(seed));
      const then = how === INTERRUPTED ? `go on: ${again} --seeds ${count - index}` : `reproduce: ${again}`;
      return say(`\nseed ${seed} ${how}; ${before}\n${then}\n`);
    };
    let code: number;
    try {
      code = await run({ ...each, seed, quiet: true });
    } catch (error) {
      if (!(error instanceof Failure && error.exitCode === EXIT_USAGE)) await ended('ended without a verdict');
      throw error;
    }
    if (code !== 0) await ended(code > 128 ? INTERRUPTED : 'did not pass');
    if (code !== 0) return code;
  }
  if (request.json) await write(`${JSON.stringify({ ok: true, from: first, passed: count })}\n`);
  else await say(`${live ? REDRAWN : ''}${count} seeds from ${first} passed\n`);
  return 0;
}
