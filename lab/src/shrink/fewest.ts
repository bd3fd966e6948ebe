/** Delta debugging (Zeller and Hildebrandt 2002, ddmin): the fewest items with which it still happens. */

/** None that is left can be left out alone. `still` is not asked about what was asked before, nor about all of them. */
export async function fewest<T>(items: readonly T[], still: (kept: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = items;
  if (kept.length > 0 && (await still([]))) return [];
  for (let parts = 2; kept.length >= 2;) {
    const found = await smaller(kept, parts, still);
    if (found) {
      parts = found.alone ? 2 : Math.max(parts - 1, 2);
      kept = found.kept;
    } else if (parts >= kept.length) break;
    else parts = Math.min(parts * 2, kept.length);
  }
  return kept;
}

/** One of the parts alone, or all but one. */
async function smaller<T>(items: readonly T[], parts: number, still: (kept: readonly T[]) => Promise<boolean>) {
  const bounds = Array.from({ length: parts + 1 }, (_, index) => Math.round((index * items.length) / parts));
  const ranges = bounds.slice(1).map((end, index) => [bounds[index]!, end] as const);
  for (const [from, to] of ranges) {
    const kept = items.slice(from, to);
    if (await still(kept)) return { kept, alone: true };
  }
  if (parts === 2) return undefined; // all but one half is the other half
  for (const [from, to] of ranges) {
    const kept = items.toSpliced(from, to - from);
    if (await still(kept)) return { kept, alone: false };
  }
  return undefined;
}

/** The smallest whole number from `least` on with which it still happens, if it does so with all above one; found by halves. `most` does. */
export async function least(from: number, most: number, still: (value: number) => Promise<boolean>): Promise<number> {
  let [below, works] = [from - 1, most];
  while (works - below > 1) {
    const middle = below + ((works - below) >> 1);
    if (await still(middle)) works = middle;
    else below = middle;
  }
  return works;
}
