/** How far a node's clock is off, as the card says that it makes of itself when asked. */

/** ms by which a clock that is read in seconds may seem to differ, and a little more */
const READING_MS = 2_000;

/** ms that the clock which dated the card is ahead of the time given */
export function createdAhead(card: { readonly created_at: number }, now: number): number {
  return card.created_at * 1_000 - now;
}

export function clockReads(ahead: number, wanted: number): boolean {
  return Math.abs(ahead - wanted) <= READING_MS;
}
