/** Where the time of a run went, for people. */

export interface PartTimes {
  readonly name: string;
  readonly ms: number;
  /** what it may take; absent where nothing was planned */
  readonly budgetMs?: number;
}

export function partTimes(
  parts: readonly { readonly name: string; readonly ms: number }[],
  budgets: Readonly<Record<string, number>> = {},
): PartTimes[] {
  return parts.map(({ name, ms }) => ({ name, ms: Math.round(ms), ...(Object.hasOwn(budgets, name) && { budgetMs: budgets[name]! }) }));
}

/** `took: boot 0.6 of 1.5 s, stress 4.1 of 3.0 s (over budget), durability 2.0 s` */
export function partsLine(parts: readonly PartTimes[]): string {
  const texts = parts.map(({ name, ms, budgetMs }) => {
    if (budgetMs === undefined) return `${name} ${seconds(ms)} s`;
    return `${name} ${seconds(ms)} of ${seconds(budgetMs)} s${ms > budgetMs ? ' (over budget)' : ''}`;
  });
  return `took: ${texts.join(', ')}`;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
