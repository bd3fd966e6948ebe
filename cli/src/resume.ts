/** `prove --resume`: takes up a soak where an earlier run of it was broken off. */
import { secondsOf } from '@muster/suites';
import { reportOfRun } from './bundle-commands.ts';
import { EXIT_USAGE, Failure } from './failure.ts';
import type { ProveRequest } from './prove.ts';
import { plannedRun } from './reproduce.ts';

const SUITE = 'soak';

/** The request that does the rest. @throws Failure when there is nothing to take up, or nothing good */
export async function resumed(request: ProveRequest, bundle: string): Promise<ProveRequest> {
  if (request.suite || request.grep !== undefined || request.seeds !== undefined)
    throw new Failure('--resume says what runs: it excludes --suite, --grep and --seeds', EXIT_USAGE);
  const { run, verdict } = await reportOfRun(bundle);
  const elapsed = Math.max(0, ...verdict.rows.map(({ id }) => secondsOf(id)));
  if (!run || elapsed === 0) throw new Failure(`${bundle} holds no part of a ${SUITE} that could be taken up`, EXIT_USAGE);
  // That it was broken off is no fault of the target's.
  const failed = verdict.rows.find(({ blame, status }) => blame === 'target' && status !== 'warn');
  if (failed) throw new Failure(`${bundle} failed already: ${failed.id} ${failed.message}`, EXIT_USAGE);
  const planned = plannedRun(run);
  if (!planned) throw new Failure(`${bundle} does not say how it was run`, EXIT_USAGE);
  if (planned.target && !request.target)
    throw new Failure(`${bundle} is of nodes that were there before it: name them again with --target and --token-file`, EXIT_USAGE);
  const { target: _, messages: __, ...given } = planned;
  const duration = request.duration ?? given.duration;
  if (duration === undefined || elapsed >= duration)
    throw new Failure(`${bundle} went through ${elapsed} s: for more, give a longer --duration`, EXIT_USAGE);
  return { ...given, ...request, suite: [SUITE], duration, elapsed, seed: request.seed ?? Number(run.seed) };
}
