/** What nodes use over a stretch of time: bounded in any run, and without growth in one that is long enough to tell. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { claims, RESOURCES } from '@muster/proof';
import { setting } from '../nodes.ts';

/** looks between the first and the last, beside those of every second */
const LOOKS = 20;
/** s; `--duration` says otherwise */
const DEFAULT_SECONDS = 6;
const MINUTE_MS = 60_000;
/** ms in which caches fill (what is remembered of messages is kept for six minutes at most), the heap finds its size, and the log of the store its length */
const WARM_UP_MS = 20 * MINUTE_MS;
/** ms of a run for a slope to mean something */
const FLAT_MS = 60 * MINUTE_MS;

interface Limit {
  readonly unit: string;
  /** on top of the first look; when busy, connections of those who ask are many */
  readonly more: number;
  readonly moreWhenBusy: number;
  /** growth an hour that is none */
  readonly perHour?: number;
  /** of the lowest in so many ms */
  readonly floorOf?: number;
}

/** By what is sampled. Resident memory follows the heap late and never back: of it only a bound is required. */
const LIMITS: Readonly<Record<string, Limit>> = {
  '/rss_bytes': { unit: 'bytes', more: 120e6, moreWhenBusy: 250e6 },
  '/heap_bytes': { unit: 'bytes', more: 60e6, moreWhenBusy: 120e6, perHour: 12e6, floorOf: MINUTE_MS },
  '/files': { unit: 'files', more: 12, moreWhenBusy: 12, perHour: 2 },
  '/sockets': { unit: 'sockets', more: 12, moreWhenBusy: 200, perHour: 30, floorOf: MINUTE_MS },
  '/disk_bytes': { unit: 'bytes', more: 60e6, moreWhenBusy: 100e6, perHour: 24e6 },
};

export function requiredOf(name: string, doing: string): Readonly<Record<string, string>> {
  return {
    [`leak.${name}.bounded`]: `${doing} takes a bounded amount of memory, handles, sockets and disk.`,
    [`leak.${name}.flat`]: `Once caches have filled, ${doing[0]!.toLowerCase()}${doing.slice(1)} takes no more of it with time. Told by runs of an hour and more.`,
  };
}

/** Looks again and again for as long as the run is to last. */
export async function watched(context: ScenarioContext, name: 'idle' | 'publisher', nodes: readonly NodeHandle[]): Promise<void> {
  const { claim, clock, sample, signal } = context;
  const duration = setting(context, 'duration', DEFAULT_SECONDS, 0) * 1_000;
  // Of each thing what was told first: a node that was too busy at one look tells its heap at the next.
  const first = new Map<string, object>();
  const look = async (): Promise<void> => {
    for (const [node, usage] of await sample()) first.set(node, { ...usage, ...first.get(node) });
  };
  await look();
  for (let looks = 0; looks < LOOKS; looks++) {
    await clock.sleep(duration / LOOKS, signal);
    await look();
  }
  for (const node of nodes) {
    for (const [at, { unit, more, moreWhenBusy, perHour, floorOf }] of Object.entries(LIMITS)) {
      const had = Object.entries(first.get(node.name) ?? {}).find(([what]) => at === `/${what}`)?.[1];
      // A node that never tells its heap is judged by the rest.
      if (typeof had !== 'number') continue;
      // Nor can it tell it while it is too busy to answer.
      const samples = { nodes: [node.name], stream: RESOURCES, where: [{ at }] };
      const allowed = name === 'idle' ? more : moreWhenBusy;
      const bounded = claims.resourceEnvelope({ samples, at, unit, most: had + allowed });
      claim(`${node.name}/bounded${at}`, `leak.${name}.bounded`, 'MUST', bounded, { title: `at most ${allowed} ${unit} more than at first` });
      if (perHour === undefined || duration < FLAT_MS) continue;
      const flat = claims.resourceEnvelope({ samples, at, unit, perHour, warmUp: WARM_UP_MS, ...(floorOf !== undefined && { floorOf }) });
      claim(`${node.name}/flat${at}`, `leak.${name}.flat`, 'MUST', flat, { title: `grows by at most ${perHour} ${unit} an hour` });
    }
  }
}
