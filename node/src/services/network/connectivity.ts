/** How this node takes part in the network, for the families that tell of it. Nothing relays or coordinates here: links are direct. */
import { CapabilityError } from '@muster/contract';
import { isPubliclyRoutable } from '@muster/protocol';
import type { Clock, Neighbours } from '../../ports/index.ts';
import type { LinkHistory } from '../links/link-history.ts';
import type { LinkManager } from '../links/link-manager.ts';

/** neighbours counted apart: anyone on the LAN can make up endless ones */
const MAX_FOUND = 1_024;

export interface ConnectivityParts {
  readonly clock: Clock;
  readonly links: LinkManager;
  readonly history: LinkHistory;
  readonly externalAddresses: () => readonly string[];
}

export class Connectivity {
  readonly #parts: ConnectivityParts;
  readonly #startedAt: number;
  readonly #found = new Set<string>();
  #looking = false;

  constructor(parts: ConnectivityParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.monotonic();
  }

  /** Somebody began to look for neighbours. */
  looking(neighbours: Neighbours): void {
    if (neighbours.scope === 'lan') this.#looking = true;
  }

  found(neighbours: Neighbours, machine: string): void {
    if (neighbours.scope === 'lan' && this.#found.size < MAX_FOUND) this.#found.add(machine);
  }

  /** Throws `CapabilityError` (503) before the node has joined. */
  state() {
    const { links, history, externalAddresses } = this.#parts;
    const local = links.listener?.address;
    if (local === undefined) throw new CapabilityError(503, 'network not initialized');
    const external = [...externalAddresses()];
    const dialledFrom = history.dialledFrom;
    return {
      local,
      external,
      hasGlobalAddress: [local, ...external].some(isPubliclyRoutable),
      dialledFrom,
      canReceiveDirect: dialledFrom !== 'unknown',
      links: links.size,
      averageRtt: this.#averageRtt(),
      lan: { looking: this.#looking, found: this.#found.size },
    };
  }

  /** whole seconds since the node was made */
  uptime(): number {
    return Math.floor((this.#parts.clock.monotonic() - this.#startedAt) / 1_000);
  }

  /** ms to the microsecond; 0 while no link has measured one */
  #averageRtt(): number {
    const measured = this.#parts.links.all().flatMap(({ rtt }) => rtt ?? []);
    return measured.length === 0 ? 0 : toMicroseconds(measured.reduce((sum, rtt) => sum + rtt, 0) / measured.length);
  }
}

/** ms with three decimals */
export function toMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
