/** What past runs say about a check: how often it passed, since when it does not, and what must not get worse. */
import type { Status } from './verdict.ts';

export interface PastResult {
  readonly runId: string;
  readonly status: Status;
}

export interface Trend {
  /** runs in which it was judged: passed or not */
  readonly runs: number;
  readonly passed: number;
  /** Wilson's interval of the rate at which it passes, 95 % */
  readonly interval: readonly [low: number, high: number];
  /** changes between passing and not passing, from run to run */
  readonly flips: number;
  /** the first run of those in which it has not passed since */
  readonly failingSince?: string;
  readonly last?: Status;
}

/** A check that was not asked for says nothing. */
const unjudged: ReadonlySet<Status> = new Set(['notrun', 'skipped']);
const good: ReadonlySet<Status> = new Set(['pass', 'expected-fail', 'warn']);

/** `results`: oldest first. */
export function trendOf(results: readonly PastResult[]): Trend {
  const judged = results.filter(({ status }) => !unjudged.has(status));
  const passed = judged.filter(({ status }) => good.has(status)).length;
  const flips = judged.filter(({ status }, index) => index > 0 && good.has(status) !== good.has(judged[index - 1]!.status)).length;
  const lastGood = judged.findLastIndex(({ status }) => good.has(status));
  const failingSince = judged[lastGood + 1]?.runId;
  const last = judged.at(-1)?.status;
  return {
    runs: judged.length,
    passed,
    interval: wilsonInterval(passed, judged.length),
    flips,
    ...(failingSince !== undefined && { failingSince }),
    ...(last !== undefined && { last }),
  };
}

const standardNormal95 = 1.959963984540054;

/** Of a rate, by its successes in so many trials; [0, 1] without any. */
export function wilsonInterval(successes: number, trials: number, z = standardNormal95): [low: number, high: number] {
  if (trials === 0) return [0, 1];
  const rate = successes / trials;
  const middle = (rate + z ** 2 / (2 * trials)) / (1 + z ** 2 / trials);
  const half = (z * Math.sqrt((rate * (1 - rate)) / trials + z ** 2 / (4 * trials ** 2))) / (1 + z ** 2 / trials);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

export interface Regression {
  readonly check: string;
  /** `absent`: the run does not have it any more */
  readonly status: Status | 'absent';
}

/**
 * The gate: checks that passed in each of the last `runs` runs in which they were judged, as many at least, and do not pass now.
 * @param past statuses by check, newest first
 * @param now statuses by check
 * @param asked whether the run was asked for that check
 */
export function regressions(
  past: ReadonlyMap<string, readonly Status[]>,
  now: ReadonlyMap<string, Status>,
  asked: (check: string) => boolean,
  runs: number,
): Regression[] {
  const found: Regression[] = [];
  for (const [check, statuses] of past) {
    const judged = statuses.filter((status) => !unjudged.has(status)).slice(0, runs);
    if (judged.length < runs || judged.some((status) => status !== 'pass') || !asked(check)) continue;
    const status = now.get(check) ?? 'absent';
    if (status !== 'pass') found.push({ check, status });
  }
  return found.toSorted((a, b) => (a.check < b.check ? -1 : 1));
}
