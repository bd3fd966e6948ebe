import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../engines/sqlite-store.ts';
import { StoreError } from '../ports/index.ts';
import type { Store } from '../ports/index.ts';

export interface PowerCut extends Disposable {
  readonly store: Store;
  /** What could be read if the power failed now: what was last made durable, and nothing later. By prefix only, and never written. */
  cut(): Store;
}

/** The disk of a machine whose power may fail at any time. */
export function unreliablePower(): PowerCut {
  const directory = mkdtempSync(join(tmpdir(), 'muster-power-'));
  const disk = openSqliteStore(join(directory, 'node.sqlite'));
  let durable: ReturnType<Store['range']> = [];
  return {
    store: {
      get: (key) => disk.get(key),
      range: (range) => disk.range(range),
      count: (prefix) => disk.count(prefix),
      batch: (writes, durability) => {
        disk.batch(writes, durability);
        if (durability === 'durable') durable = disk.range({ prefix: '' });
      },
      close: () => disk.close(),
    },
    cut: () => {
      const rows = durable;
      const under = (prefix: string) => rows.filter(({ key }) => key.startsWith(prefix));
      return {
        get: (key) => rows.find((row) => row.key === key)?.value,
        range: ({ prefix }) => under(prefix),
        count: (prefix) => under(prefix).length,
        batch: () => {
          throw new StoreError('closed', 'the power failed');
        },
        close: () => {},
      };
    },
    [Symbol.dispose]: () => {
      disk.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
