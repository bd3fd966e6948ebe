/** What nodes use over a stretch of time: bounded in any run, and without growth in one that is long enough to tell. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { claims, RESOURCES } from '@muster/proof';

/** looks between the first and the last */
const LOOKS = 20;
/** s; `--duration` says otherwise */
const DEFAULT_SECONDS = 6;
/** ms in which caches fill: what is remembered of messages is kept for six minutes at most */
const WARM_UP_MS = 400_000;
/** how much more than that a run must last for a slope to mean something */
const SLOPE_TIMES = 2;

/** What may come on top of the first look, and how much of growth an hour is none, by what is sampled. */
const LIMITS = {
  '/rss_bytes': { more: 200e6, perHour: 24e6, unit: 'bytes' },
  '/heap_bytes': { more: 150e6, perHour: 12e6, unit: 'bytes' },
  '/handles': { more: 12, perHour: 2, unit: 'handles' },
  '/sockets': { more: 12, perHour: 2, unit: 'sockets' },
  '/disk_bytes': { more: 100e6, perHour: 24e6, unit: 'bytes' },
} as const;

export function requiredOf(name: string, doing: string): Readonly<Record<string, string>> {
  return {
    [`leak.${name}.bounded`]: `${doing} takes a bounded amount of memory, handles, sockets and disk.`,
    [`leak.${name}.flat`]: `Once caches have filled, ${doing[0]!.toLowerCase()}${doing.slice(1)} takes no more of it with time. Told by runs of 14 minutes and more.`,
  };
}

function durationOf({ settings }: ScenarioContext): number {
  return (typeof settings['duration'] === 'number' ? settings['duration'] : DEFAULT_SECONDS) * 1_000;
}

/** Looks again and again for as long as the run is to last. */
export async function watched(context: ScenarioContext, name: string, nodes: readonly NodeHandle[]): Promise<void> {
  const { claim, clock, sample, signal } = context;
  const duration = durationOf(context);
  const first = await sample();
  for (let look = 0; look < LOOKS; look++) {
    await clock.sleep(duration / LOOKS, signal);
    await sample();
  }
  for (const node of nodes) {
    const samples = { nodes: [node.name], stream: RESOURCES };
    for (const [at, { more, perHour, unit }] of Object.entries(LIMITS)) {
      const had = Object.entries(first.get(node.name) ?? {}).find(([what]) => at === `/${what}`)?.[1];
      // A node that does not tell its heap is judged by the rest.
      if (typeof had !== 'number') continue;
      const bounded = claims.resourceEnvelope({ samples, at, unit, most: had + more });
      claim(`${node.name}/bounded${at}`, `leak.${name}.bounded`, 'MUST', bounded, { title: `at most ${more} ${unit} more than at first` });
      if (duration < SLOPE_TIMES * WARM_UP_MS) continue;
      const flat = claims.resourceEnvelope({ samples, at, unit, perHour, warmUp: WARM_UP_MS });
      claim(`${node.name}/flat${at}`, `leak.${name}.flat`, 'MUST', flat, { title: `grows by at most ${perHour} ${unit} an hour` });
    }
  }
}
