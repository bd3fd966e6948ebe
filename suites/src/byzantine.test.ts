import { LIARS } from '@muster/lab';
import { expect, test } from 'vitest';
import { byzantine } from './byzantine/index.ts';

test('unless asked otherwise one node in ten lies, and in every way that there is', () => {
  const { needs } = byzantine().scenarios[0]!;
  expect(Object.values(needs.liars!).toSorted()).toEqual([...LIARS].toSorted());
  expect(needs.nodes).toBe(10 * LIARS.length);
});
