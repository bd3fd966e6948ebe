/** `muster prove --release`: every suite in a run of its own, and one signed roll-up of them all. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EXIT_USAGE, Failure } from './failure.ts';
import { merge } from './merge.ts';
import { printLine } from './output.ts';
import { type ProveRequest, runProve } from './prove.ts';
import { becomeSimulationProcess, isSimulationProcess } from './simulation.ts';
import { loadSuites } from './suites.ts';

export interface ReleaseRequest extends Omit<ProveRequest, 'suite' | 'grep' | 'out'> {
  readonly suite?: unknown;
  readonly grep?: unknown;
  readonly out?: string;
  /** suites to leave out */
  readonly skip?: readonly string[];
}

/** Above these are no verdicts: the run was interrupted. */
const LAST_VERDICT = 4;

/** Proves suite after suite and merges what each leaves. Resolves with the exit code of the verdict of all together. @throws Failure */
export async function runRelease({ skip = [], suite, grep, ...request }: ReleaseRequest): Promise<number> {
  const { shard, lastFailed, list, plan, requirements, schedule, json } = request;
  if ([suite, grep, shard, lastFailed, list, plan, requirements, schedule].some((given) => given !== undefined))
    throw new Failure('--release takes every suite; leave some out with --skip', EXIT_USAGE);
  if (request.out === undefined) throw new Failure('--release needs a place: --out DIR', EXIT_USAGE);
  const out = resolve(request.out);
  if (existsSync(out)) throw new Failure(`${out} is there already; name another place with --out`, EXIT_USAGE);
  const { suites } = await loadSuites({ nodes: request.nodes, kills: request.kills, world: request.world });
  const unknown = skip.find((name) => suites.every((one) => one.name !== name));
  if (unknown !== undefined)
    throw new Failure(`there is no suite ${unknown} to skip; there are ${suites.map(({ name }) => name).join(', ')}`, EXIT_USAGE);
  const chosen = suites.filter(({ name }) => !skip.includes(name));
  if (chosen.length === 0) throw new Failure('every suite is skipped', EXIT_USAGE);
  // Once for all of them: else each suite would become a process that does everything.
  if (request.world === 'sim' && !isSimulationProcess()) return becomeSimulationProcess();

  await mkdir(dirname(out), { recursive: true });
  const work = await mkdtemp(join(dirname(out), `.${basename(out)}.`));
  try {
    const bundles: string[] = [];
    let interrupted: number | undefined;
    for (const { name, title } of chosen) {
      if (!json) await printLine(`\n── ${name}: ${title}`);
      const bundle = join(work, name);
      const code = await runProve({ ...request, suite: [name], out: bundle, partOf: out });
      bundles.push(bundle);
      if (code <= LAST_VERDICT) continue;
      // Its bundle says so, and so what is done already is no pass.
      interrupted = code;
      break;
    }
    if (!json) await printLine(interrupted === undefined ? '\n── all together' : `\n── interrupted in suite ${bundles.length} of ${chosen.length}`);
    const code = await merge({ bundles, out, json });
    return interrupted ?? code;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
