/** A connection that ends in the middle of a message. */
import type { Json } from '@muster/proof';
import type { Mechanism } from './fault-injector.ts';
import type { Direction, Link } from './link-path.ts';

/** more than pings and promises, less than anything signed */
const LEAST_BYTES = 1_000;

/** The next message of `sender` over the link arrives in part, and its connection is over. */
export function cutMessage(link: Link, sender: string): Mechanism {
  const direction: Direction = sender === link.from ? 'forward' : 'backward';
  let before = 0;
  return {
    kind: 'cut-message',
    node: sender,
    async apply() {
      link.path.sever(direction, LEAST_BYTES);
      return { from: link.from, to: link.to, direction };
    },
    async bites(): Promise<Json | undefined> {
      const severed = link.path.severed(direction);
      return severed && { bytes_passed: severed.passed, bytes_lost: severed.lost };
    },
    async heal() {
      link.path.sever(direction, Infinity);
      before = link.path.forwarded[direction];
      return {};
    },
    async healed(): Promise<Json | undefined> {
      const bytes = link.path.forwarded[direction] - before;
      return bytes > 0 ? { bytes_forwarded: bytes } : undefined;
    },
  };
}
