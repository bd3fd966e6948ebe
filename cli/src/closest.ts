/** The word that was probably meant, for "did you mean". */

/** At most this many letters wrong, and never more than a third of them. */
const MOST_EDITS = 3;

export function closest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates.map((candidate) => ({ candidate, edits: editsBetween(word, candidate) })).toSorted((a, b) => a.edits - b.edits);
  const best = ranked[0];
  if (!best) return undefined;
  const length = Math.max(word.length, best.candidate.length);
  return best.edits <= Math.min(MOST_EDITS, Math.ceil(length / 3)) ? best.candidate : undefined;
}

/** Levenshtein distance. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === b[j] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
