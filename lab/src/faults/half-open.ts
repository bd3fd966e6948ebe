/** One direction of a link goes silent while every socket stays open. */
import type { Json } from '@muster/proof';
import type { Mechanism } from './fault-injector.ts';
import type { Direction, Link } from './link-path.ts';

/** `silent`: the node that is no longer heard by the other end. It bites once bytes of that node were really withheld. */
export function halfOpen(link: Link, silent: string): Mechanism {
  const direction: Direction = silent === link.from ? 'forward' : 'backward';
  let forwarded = 0;
  return {
    kind: 'half-open',
    node: silent,
    async apply() {
      link.path.cut(direction);
      return { from: link.from, to: link.to, direction };
    },
    async bites() {
      const { bytes, connections } = link.path.withheld(direction);
      return bytes > 0 ? { bytes_withheld: bytes, connections } : undefined;
    },
    async heal() {
      const { bytes, connections } = link.path.withheld(direction);
      forwarded = link.path.forwarded[direction];
      link.path.heal(direction);
      return { bytes_withheld: bytes, connections };
    },
    async healed(): Promise<Json | undefined> {
      const bytes = link.path.forwarded[direction] - forwarded;
      return bytes > 0 ? { bytes_forwarded: bytes } : undefined;
    },
  };
}
