/** How busy handling is with what came over links: totals, times and depths, by lane and by machine. Read by diagnostics; two clock reads a message. */
import type { LinkMessage, MachineId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import { remember } from '../remember.ts';

/** machines whose messages are counted apart; beyond it those counted for longest are forgotten */
const MAX_MACHINES = 1_024;

export const LANES = ['pubsub', 'membership', 'bulk'] as const;
export type Lane = (typeof LANES)[number];

export interface LaneStats {
  received: number;
  completed: number;
  /** ms, the sum over all that completed */
  elapsed: number;
  maxElapsed: number;
  over1s: number;
  over5s: number;
  over30s: number;
  /** most that were being handled at once */
  maxDepth: number;
}

/** `overlay` is membership, and who takes part in which topic. */
const LANE_OF: Readonly<Partial<Record<LinkMessage['kind'], Lane>>> = {
  publish: 'pubsub',
  have: 'pubsub',
  want: 'pubsub',
  overlay: 'membership',
  direct: 'bulk',
  direct_ack: 'bulk',
};

export class ReceiveStats {
  readonly #clock: Clock;
  readonly #lanes = { pubsub: noStats(), membership: noStats(), bulk: noStats() };
  readonly #machines = new Map<MachineId, Record<Lane, number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A message arrived. @returns ms, to be given to `end` once it was handled */
  begin(machine: MachineId, kind: LinkMessage['kind']): number {
    const lane = LANE_OF[kind] ?? 'membership';
    const stats = this.#lanes[lane];
    stats.received++;
    stats.maxDepth = Math.max(stats.maxDepth, stats.received - stats.completed);
    this.#of(machine)[lane]++;
    return this.#clock.monotonic();
  }

  end(kind: LinkMessage['kind'], begun: number): void {
    const stats = this.#lanes[LANE_OF[kind] ?? 'membership'];
    const elapsed = this.#clock.monotonic() - begun;
    stats.completed++;
    stats.elapsed += elapsed;
    if (elapsed > stats.maxElapsed) stats.maxElapsed = elapsed;
    if (elapsed < 1_000) return;
    stats.over1s++;
    if (elapsed >= 5_000) stats.over5s++;
    if (elapsed >= 30_000) stats.over30s++;
  }

  lane(lane: Lane): Readonly<LaneStats> {
    return this.#lanes[lane];
  }

  /** messages received, by machine */
  machines(): ReadonlyMap<MachineId, Readonly<Record<Lane, number>>> {
    return this.#machines;
  }

  #of(machine: MachineId): Record<Lane, number> {
    const known = this.#machines.get(machine);
    if (known) return known;
    const counts = { pubsub: 0, membership: 0, bulk: 0 };
    remember(this.#machines, machine, counts, MAX_MACHINES);
    return counts;
  }
}

function noStats(): LaneStats {
  return { received: 0, completed: 0, elapsed: 0, maxElapsed: 0, over1s: 0, over5s: 0, over30s: 0, maxDepth: 0 };
}
