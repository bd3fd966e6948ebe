/** The way between two simulated machines, for faults that break links. A connection outlives a short cut: what was withheld is sent again. */
import type { Direction, LinkPath, Severed, Withheld } from '../faults/link-path.ts';
import type { LinkShaper } from '../faults/link-shaper.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network/network.ts';
import type { Way } from './network/way.ts';

export class SimulatedLinkPath implements LinkPath {
  readonly address: string;
  readonly #ways: Readonly<Record<Direction, Way>>;

  constructor(network: Network, dialler: Machine, listener: Machine) {
    this.address = listener.address;
    this.#ways = { forward: network.way(dialler.host, listener.host), backward: network.way(listener.host, dialler.host) };
  }

  get forwarded(): Readonly<Record<Direction, number>> {
    const { forward, backward } = this.#ways;
    return { forward: forward.forwarded, backward: backward.forwarded };
  }

  cut(direction: Direction): void {
    this.#ways[direction].cut = true;
  }

  withheld(direction: Direction): Withheld {
    const { withheld, touched } = this.#ways[direction];
    return { bytes: withheld, connections: touched.size };
  }

  heal(direction: Direction): void {
    const way = this.#ways[direction];
    way.cut = false;
    way.withheld = 0;
    way.touched.clear();
  }

  shape(direction: Direction, shaper: LinkShaper | undefined): void {
    this.#ways[direction].shaper = shaper;
  }

  sever(direction: Direction, leastBytes: number): void {
    const way = this.#ways[direction];
    way.severed = undefined;
    way.severFrom = leastBytes;
  }

  severed(direction: Direction): Severed | undefined {
    return this.#ways[direction].severed;
  }
}
