/** The way between two nodes, as the lab can break it: a proxy between daemons, the model network between simulated ones. */
import type { LinkShaper } from './link-shaper.ts';

/** `forward`: from the node that dials to the other one. `backward`: from that one to the dialler. */
export type Direction = 'forward' | 'backward';

export interface Withheld {
  readonly bytes: number;
  readonly connections: number;
}

/** A message that was cut in the middle. */
export interface Severed {
  /** bytes of it that arrived */
  readonly passed: number;
  readonly lost: number;
}

export interface LinkPath {
  /** what the dialler dials */
  readonly address: string;
  /** bytes passed on so far */
  readonly forwarded: Readonly<Record<Direction, number>>;
  /** Withholds everything of this direction from now on; connections stay open. */
  cut(direction: Direction): void;
  /** what a cut has withheld so far; zero when there is none */
  withheld(direction: Direction): Withheld;
  /** Passes things on again. */
  heal(direction: Direction): void;
  /** From now on what goes this way takes as long as the shaper says; without one it passes at once again. */
  shape(direction: Direction, shaper: LinkShaper | undefined): void;
  /** Ends the connection in the middle of the next write of so many bytes or more that goes this way. */
  sever(direction: Direction, leastBytes: number): void;
  /** what was severed, once it was */
  severed(direction: Direction): Severed | undefined;
}

/** A link that can be broken. */
export interface Link {
  /** the node that dials */
  readonly from: string;
  readonly to: string;
  readonly path: LinkPath;
}
