/** Regular expressions that cannot run away, for `verify` reads bundles that others made. */

const longest = 256;
const openEnded = 2;
const optional = 8;
/** Longest text a pattern is tried on, in characters: with two open-ended repetitions the work stays in the low billions of steps. */
export const longestText = 2048;

/**
 * Compiles a pattern (Unicode mode, no other flag): no repeated group holds a repetition, an option or an alternative;
 * at most 2 repetitions of varying length, at most 8 options; no look-around, no back reference.
 * @returns the reason it is refused, when it is
 */
export function boundedPattern(pattern: string): RegExp | string {
  if (pattern.length > longest) return `longer than ${longest} characters`;
  const danger = dangerIn(pattern);
  if (danger) return danger;
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    return (error as Error).message;
  }
}

function dangerIn(pattern: string): string | undefined {
  const groups: boolean[] = [];
  let varying = 0;
  let options = 0;
  let closedBranching = false;
  const tokens = pattern.match(/\\.|\[(?:\\.|[^\]\\])*\]|\(\?<?[=!:]|[()|*+?]|\{\d+(?:,\d*)?\}|[^]/gu) ?? [];
  for (const token of tokens) {
    if (/^\\[1-9k]/u.test(token)) return 'refers back';
    if (/^\(\?<?[=!]/u.test(token)) return 'looks around';
    const repeats = token === '*' || token === '+' || /^\{\d/u.test(token);
    if (repeats && closedBranching) return 'repeats a group that itself repeats or branches';
    if (repeats && !/^\{\d+\}$/u.test(token)) varying += 1;
    if (token === '?' || token === '|') options += 1;
    if (repeats || token === '?' || token === '|') groups.fill(true);
    if (token.startsWith('(')) groups.push(false);
    closedBranching = token === ')' && groups.pop() === true;
  }
  if (varying > openEnded) return `has more than ${openEnded} repetitions of varying length`;
  return options > optional ? `has more than ${optional} options` : undefined;
}
