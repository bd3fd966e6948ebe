import type { EnvelopeHeader } from '@muster/protocol';
import { expect, test } from 'vitest';
import type { Store } from '../../ports/index.ts';
import { HandClock } from '../../testing/hand-clock.ts';
import { ReplayMemory } from './replay-memory.ts';

const NOW = 1_800_000_000_000;
const message = (id: string, kind: string) => ({ id, staleAfter: NOW + 300_000, header: { kind } as EnvelopeHeader });

test('what users say is stored against replays after a restart, and what nodes tell of themselves only remembered', () => {
  const stored: string[] = [];
  const batch: Store['batch'] = (writes) => void stored.push(...writes.map(({ key }) => key));
  const store: Store = { batch, range: () => [], get: () => undefined, count: () => 0, close: () => {} };
  const replays = new ReplayMemory(store, new HandClock(), { write: () => {} }, 10);
  for (const kind of ['publish', 'inbox', 'announce']) {
    expect(replays.seen(message(kind, kind), NOW)).toBe('fresh');
    expect(replays.seen(message(kind, kind), NOW)).toBe('replay');
  }
  replays[Symbol.dispose]();
  expect(stored.map((key) => key.split('/').at(-1))).toEqual(['publish', 'inbox']);
});
