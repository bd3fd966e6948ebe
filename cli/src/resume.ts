/** `prove --resume`: takes up a soak where an earlier run of it was broken off. */
import type { ProofReport } from '@muster/proof';
import { reportOfRun } from './bundle-commands.ts';
import { EXIT_USAGE, Failure } from './failure.ts';
import type { ProveRequest } from './prove.ts';

const SUITE = 'soak';
/** how a check of the suite says when it was made */
const MADE_AT = /^soak\/[a-z-]+\/at-(\d+)s\//u;

/** The request that does the rest. @throws Failure when there is nothing to take up, or nothing good */
export async function resumed(request: ProveRequest, bundle: string): Promise<ProveRequest> {
  if (request.suite || request.grep !== undefined || request.seeds !== undefined)
    throw new Failure('--resume says what runs: it excludes --suite, --grep and --seeds', EXIT_USAGE);
  const { run, verdict } = await reportOfRun(bundle);
  const elapsed = Math.max(0, ...verdict.rows.map(({ id }) => Number(MADE_AT.exec(id)?.[1] ?? 0)));
  if (!run || elapsed === 0) throw new Failure(`${bundle} holds no part of a ${SUITE} that could be taken up`, EXIT_USAGE);
  // That it was broken off is no fault of the target's.
  const failed = verdict.rows.find(({ blame, status }) => blame === 'target' && status !== 'warn');
  if (failed) throw new Failure(`${bundle} failed already: ${failed.id} ${failed.message}`, EXIT_USAGE);
  const duration = request.duration ?? inputOf(run, 'duration');
  if (duration === undefined || elapsed >= duration)
    throw new Failure(`${bundle} went through ${elapsed} s: for more, give a longer --duration`, EXIT_USAGE);
  const nodes = request.nodes ?? inputOf(run, 'nodes');
  const rate = request.rate ?? inputOf(run, 'rate');
  return {
    ...request,
    suite: [SUITE],
    duration,
    elapsed,
    seed: request.seed ?? Number(run.seed),
    ...(nodes !== undefined && { nodes }),
    ...(rate !== undefined && { rate }),
  };
}

function inputOf({ inputs }: NonNullable<ProofReport['run']>, name: string): number | undefined {
  const value = inputs[name];
  return typeof value === 'number' ? value : undefined;
}
