/** What became of links: told live to whoever listens, and for each machine how its last link ended. */
import type { MachineId } from '@muster/protocol';
import type { Clock } from '../../ports/index.ts';
import { remember } from '../remember.ts';
import { scopeOf } from './addresses.ts';
import type { Link } from './link.ts';
import type { LinkManager } from './link-manager.ts';

/** machines whose former links are remembered; beyond it those that ended first are forgotten */
const MAX_ENDED = 4_096;
const SCOPES = ['unknown', 'loopback', 'local_network', 'global'] as const;

export type Scope = (typeof SCOPES)[number];

export interface LifeEvent {
  readonly machine: MachineId;
  /** `Established { generation: 1 }` and the like, as the compatible API spells it */
  readonly event: string;
  /** Unix ms */
  readonly at: number;
}

export interface EndedLink {
  readonly generation: number;
  readonly reason: string;
}

export class LinkHistory {
  readonly #clock: Clock;
  readonly #current = new Map<MachineId, Link>();
  readonly #ended = new Map<MachineId, EndedLink>();
  readonly #listeners = new Set<(event: LifeEvent) => void>();
  #scope = 0;

  constructor(links: LinkManager, clock: Clock, self: MachineId) {
    this.#clock = clock;
    links.on({
      up: (link) => {
        if (link.dialler !== self) this.#scope = Math.max(this.#scope, SCOPES.indexOf(scopeOf(link.address)));
        this.#up(link);
      },
      down: (link, reason) => this.#down(link, reason),
    });
  }

  /** From now on; nothing is replayed. */
  onEvent(listener: (event: LifeEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** How the last link to the machine ended, while there is none. */
  ended(machine: MachineId): EndedLink | undefined {
    return this.#ended.get(machine);
  }

  /** The widest one that somebody has dialled this node from since it started: `unknown` before that. */
  get dialledFrom(): Scope {
    return SCOPES[this.#scope]!;
  }

  #up(link: Link): void {
    const { machine, generation } = link;
    const former = this.#current.get(machine);
    this.#current.set(machine, link);
    this.#ended.delete(machine);
    if (!former) return this.#tell(machine, `Established { generation: ${generation} }`);
    this.#tell(machine, `Replaced { old_generation: ${former.generation}, new_generation: ${generation} }`);
    this.#tell(machine, `Closing { generation: ${former.generation}, reason: "superseded" }`);
  }

  #down(link: Link, reason: string): void {
    const { machine, generation } = link;
    if (this.#current.get(machine) === link) {
      this.#current.delete(machine);
      remember(this.#ended, machine, { generation, reason }, MAX_ENDED);
    }
    this.#tell(machine, `Closed { generation: ${generation}, reason: ${JSON.stringify(reason)} }`);
  }

  #tell(machine: MachineId, event: string): void {
    if (this.#listeners.size === 0) return;
    const told = { machine, event, at: this.#clock.now() };
    for (const listener of this.#listeners) listener(told);
  }
}
