/**
 * Operations at a stated rate, whether or not those before them have been answered: users do not wait for one another.
 * What takes long is counted from when it was meant to begin, so that a target that stands still does not hide behind
 * the operations that it kept from being made.
 */
import { Histograms } from '@muster/proof';
import type { LabClock } from '../clock.ts';

/** ms after its due time at which an operation counts as late */
const LATE_MS = 100;
/** operations without an answer, beyond which none is begun */
const MOST_WAITING = 10_000;
/** begun in one go before answers are looked at */
const BATCH = 512;

export interface OpenLoopOptions {
  readonly clock: LabClock;
  /** operations per second, above 0 */
  readonly rate: number;
  /** how many in all; without, until it is told to stop */
  readonly count?: number;
  /** aborted: no further one is begun; those under way are waited for */
  readonly stop: AbortSignal;
  readonly mostWaiting?: number;
}

/** What was asked for, and what came of it. Times in ms. */
export type Offered = {
  /** operations that were due */
  readonly planned: number;
  /** of those, begun */
  readonly offered: number;
  /** begun late because the generator did not keep up: its own shortfall */
  readonly late: number;
  /** begun late because the target left too many others unanswered */
  readonly held_back: number;
  /** by the generator's own doing */
  readonly worst_late_ms: number;
  /** from when it was meant to begin to its answer */
  readonly latency_p50_ms: number;
  readonly latency_p99_ms: number;
  readonly latency_max_ms: number;
  /** until the last was begun, at least 0.001 */
  readonly seconds: number;
  readonly offered_per_second: number;
};

/** `act` begins the operation with that number, from 0, and resolves with its answer. @throws what `act` throws, once all have ended */
export async function openLoop(act: (n: number) => Promise<unknown>, options: OpenLoopOptions): Promise<Offered> {
  const { clock, rate, count = Infinity, stop, mostWaiting = MOST_WAITING } = options;
  if (!(rate > 0)) throw new RangeError(`a rate above 0 is needed, not ${rate}`);
  const period = 1_000 / rate;
  const latencies = new Histograms();
  const failures: unknown[] = [];
  const begun = clock.monotonic();
  const elapsed = (): number => clock.monotonic() - begun;
  let answered: PromiseWithResolvers<void> | undefined;
  const underWay = { count: 0 };
  const end = (due: number): void => {
    underWay.count--;
    latencies.add('', '', elapsed() - due);
    answered?.resolve();
  };
  const pause = (ms: number): Promise<void> => clock.sleep(ms, stop).catch(() => undefined);

  let [offered, late, heldBack, worst, heldUntil] = [0, 0, 0, 0, -Infinity];
  while (offered < count && !stop.aborted) {
    const due = offered * period;
    const lateness = elapsed() - due;
    if (lateness < 0) {
      await pause(-lateness);
      continue;
    }
    if (underWay.count >= mostWaiting) {
      answered = Promise.withResolvers();
      await answered.promise;
      heldUntil = elapsed();
      continue;
    }
    if (due <= heldUntil) heldBack += Number(lateness > LATE_MS);
    else {
      late += Number(lateness > LATE_MS);
      worst = Math.max(worst, lateness);
    }
    underWay.count++;
    act(offered).then(
      () => end(due),
      (error: unknown) => {
        failures.push(error);
        end(due);
      },
    );
    if (++offered % BATCH === 0) await pause(0);
  }
  const ms = Math.max(1, elapsed());
  while (underWay.count > 0) {
    answered = Promise.withResolvers();
    await answered.promise;
  }
  if (failures.length > 0) throw failures[0];
  const [{ p50, p99, max } = { p50: 0, p99: 0, max: 0 }] = latencies.all();
  return {
    planned: offered < count ? Math.min(count, Math.floor(ms / period) + 1) : offered,
    offered,
    late,
    held_back: heldBack,
    worst_late_ms: Math.round(worst),
    latency_p50_ms: p50,
    latency_p99_ms: p99,
    latency_max_ms: Math.round(max),
    seconds: Math.round(ms) / 1_000,
    offered_per_second: Math.round((offered * 1_000) / ms),
  };
}
