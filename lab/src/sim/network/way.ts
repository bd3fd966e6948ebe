/** One direction between two hosts as the lab may hold it up, and what it has done to it. */
import type { Severed } from '../../faults/link-path.ts';
import type { LinkShaper } from '../../faults/link-shaper.ts';

export class Way {
  /** nothing passes; what is sent again later may */
  cut = false;
  shaper: LinkShaper | undefined;
  /** bytes that arrived */
  forwarded = 0;
  /** bytes that did not, since the cut */
  withheld = 0;
  /** connections and dials that they were of */
  readonly touched = new Set<object>();
  /** a write of so many bytes or more is the last of its connection, and arrives in part */
  severFrom = Infinity;
  severed: Severed | undefined;

  /** bytes of a write of this size that arrive, when it is to be severed */
  severs(bytes: number): number | undefined {
    return bytes < this.severFrom ? undefined : bytes >> 1;
  }
}
