/**
 * How a node gets its first links: the best of those that answered before, then the configured bootstrap peers in three rounds with growing pauses.
 * A bootstrap peer that was in none of them stays wanted, and is reached when it comes.
 */
import type { MachineId } from '@muster/protocol';
import type { Clock, Log, Random } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { CachedPeer } from './peer-cache.ts';

const CANDIDATES = 12;
/** dials to cached peers at once */
const AT_ONCE = 4;
/** the bootstrap peers' turn comes then, whatever is still under way */
const CACHE_MS = 1_000;
/** before the second and the third round, each ± a quarter */
const PAUSES_MS = [300, 1_000];

export interface JoiningParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: Counters;
  readonly log: Log;
  /** the best first */
  readonly candidates: (most: number) => readonly CachedPeer[];
  readonly linked: (machine: MachineId) => boolean;
  /** one attempt: who answered; rejects when nobody does */
  readonly connect: (address: string, machine: MachineId | undefined) => Promise<MachineId>;
  /** keeps the link to whoever answers there, from now on; `answered`: who just did */
  readonly want: (address: string, answered?: MachineId) => void;
}

export class Joining implements Disposable {
  readonly #parts: JoiningParts;
  readonly #timers = new Set<Disposable>();
  #disposed = false;

  constructor(parts: JoiningParts) {
    this.#parts = parts;
  }

  /** Resolves when every round is over; what was reached or is still wanted stays so. */
  async join(bootstrapPeers: readonly string[], fromCache: boolean): Promise<void> {
    if (fromCache) await Promise.race([this.#fromCache(), this.#pause(CACHE_MS)]);
    await this.#rounds(bootstrapPeers);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  async #fromCache(): Promise<void> {
    const { candidates, linked, connect, counters, log } = this.#parts;
    const waiting = [...candidates(CANDIDATES)];
    const asked = waiting.length;
    let answered = 0;
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next && !this.#disposed; next = waiting.shift()) {
        if (linked(next.machine)) continue;
        counters.add('join_cached_dials_total');
        await connect(next.address, next.machine).then(
          () => answered++,
          () => {},
        );
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    if (asked > 0) log.write('info', 'joined by known peers', { asked, answered });
  }

  async #rounds(bootstrapPeers: readonly string[]): Promise<void> {
    const { connect, want, counters, random, log } = this.#parts;
    let missing = [...bootstrapPeers];
    for (let round = 0; missing.length > 0 && !this.#disposed; round++) {
      counters.add('join_rounds_total');
      const results = await Promise.allSettled(missing.map((address) => connect(address, undefined)));
      if (this.#disposed) return;
      const asked = missing;
      missing = [];
      for (const [index, result] of results.entries()) {
        if (result.status === 'fulfilled') want(asked[index]!, result.value);
        else missing.push(asked[index]!);
      }
      const pause = PAUSES_MS[round];
      if (missing.length === 0) return;
      if (pause === undefined) break;
      await this.#pause(pause * (0.75 + random.next() / 2));
    }
    if (this.#disposed) return;
    for (const address of missing) want(address);
    if (missing.length > 0) log.write('info', 'bootstrap peers do not answer yet', { peers: missing });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(ms, () => {
        this.#timers.delete(timer);
        resolve();
      });
      this.#timers.add(timer);
    });
  }
}
