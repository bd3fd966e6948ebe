import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { expect, test } from 'vitest';
import { watched } from './envelope.ts';

test('a node that was too busy to tell its heap at the first look is judged by it all the same', async () => {
  const claimed: string[] = [];
  let looks = 0;
  const context = {
    claim: (id: string) => void claimed.push(id),
    clock: { sleep: async () => {} },
    sample: async () => new Map([['bob', { rss_bytes: 1e8, ...(++looks > 1 && { heap_bytes: 3e7 }) }]]),
    signal: new AbortController().signal,
    settings: { duration: 3_600 },
  } as unknown as ScenarioContext;
  await watched(context, 'publisher', [{ name: 'bob' } as NodeHandle]);
  expect(claimed).toEqual(['bob/bounded/rss_bytes', 'bob/bounded/heap_bytes', 'bob/flat/heap_bytes']);
});
