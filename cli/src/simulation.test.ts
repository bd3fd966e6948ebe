import { expect, test } from 'vitest';
import type { ProveRequest } from './prove.ts';
import { searchSeeds } from './simulation.ts';

test('seeds are tried one after the other until one does not pass', async () => {
  const tried: ProveRequest[] = [];
  const run = async (request: ProveRequest): Promise<number> => (tried.push(request), request.seed === 12 ? 1 : 0);
  expect(await searchSeeds({ world: 'sim', seed: 10, seeds: 500, json: true }, 500, run)).toBe(1);
  expect(tried).toEqual([10, 11, 12].map((seed) => ({ world: 'sim', seed, quiet: true, json: true })));
});
