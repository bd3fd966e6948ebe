/** How far a node's clock is off, as the card says that it makes of itself when asked. */
import type { Json } from '@muster/proof';

/** ms by which a clock that is read in seconds may seem to differ, and a little more */
const READING_MS = 2_000;

/** ms that the clock which dated the card is ahead of the time given */
export function createdAhead(card: { readonly created_at: number }, now: number): number {
  return card.created_at * 1_000 - now;
}

/** Evidence that the clock is ahead by what is wanted. */
export function clockOff(ahead: number | undefined, wanted: number): Json | undefined {
  return ahead !== undefined && reads(ahead, wanted) ? { ahead_ms: ahead } : undefined;
}

/** Evidence that it is ahead by what it should have drifted, once that is told from a clock that is right. */
export function clockDrifted(ahead: number | undefined, wanted: number): Json | undefined {
  return ahead !== undefined && !reads(ahead, 0) ? clockOff(ahead, wanted) : undefined;
}

function reads(ahead: number, wanted: number): boolean {
  return Math.abs(ahead - wanted) <= READING_MS;
}
