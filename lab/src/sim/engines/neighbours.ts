/** The neighbourhood of a simulated network: everybody who has started is found by everybody else of the same network. */
import type { Neighbour, Neighbours, Self } from '@muster/node';
import type { Life } from '../life.ts';
import type { Schedule } from '../schedule.ts';
import type { Chance } from '../chance.ts';

/** ms until a newcomer is seen, at least and at most */
const SEEN_AFTER_MS = [5, 100] as const;

interface Entry {
  readonly self: Self;
  readonly life: Life;
  readonly found: (neighbour: Neighbour) => void;
}

export class Neighbourhood {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #entries = new Set<Entry>();

  constructor(schedule: Schedule, chance: Chance) {
    this.#schedule = schedule;
    this.#chance = chance;
  }

  /** For one life of a node. */
  neighbours(life: Life): Neighbours {
    return {
      scope: 'host',
      start: async (self, found) => {
        const entry: Entry = { self, life, found };
        for (const other of this.#entries) {
          if (!other.life.alive) this.#entries.delete(other);
          else if (other.self.network === self.network && other.self.machine !== self.machine) {
            this.#show(other, entry);
            this.#show(entry, other);
          }
        }
        this.#entries.add(entry);
        return { [Symbol.asyncDispose]: async () => void this.#entries.delete(entry) };
      },
    };
  }

  #show(who: Entry, toWhom: Entry): void {
    const [least, most] = SEEN_AFTER_MS;
    const due = this.#schedule.now + least + (most - least) * this.#chance.next();
    const { machine, address } = who.self;
    const show = (): void => {
      if (this.#entries.has(who) && this.#entries.has(toWhom)) toWhom.found({ machine, addresses: [address] });
    };
    this.#schedule.at(due, show, toWhom.life);
  }
}
