import { expect, test } from 'vitest';
import { remember } from './remember.ts';

test('what was written last is remembered, and what was written again counts as new', () => {
  const map = new Map<string, number>();
  for (const [index, key] of ['a', 'b', 'a', 'c', 'd'].entries()) remember(map, key, index, 3);
  expect([...map]).toEqual([
    ['a', 2],
    ['c', 3],
    ['d', 4],
  ]);
});
