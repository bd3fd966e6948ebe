/** Gives the promise of a durable commit at once, and keeps it a minute later. */
import type { NodePorts } from '@muster/node';
import { overlaid } from './overlaid.ts';

/** Holds back what goes into the inbox; reads see it meanwhile. */
export function acknowledgesLater(ports: NodePorts): NodePorts {
  const { store } = ports;
  const held = new Map<string, Uint8Array>();
  const rows = (prefix: string) => [...held].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({ key, value }));
  return {
    ...ports,
    store: overlaid(store, {
      get: (key) => held.get(key) ?? store.get(key),
      range: (range) => {
        const all = [...store.range({ ...range, limit: undefined }), ...rows(range.prefix)].filter(
          ({ key }) => range.after === undefined || range.reverse || key > range.after,
        );
        all.sort((a, b) => (a.key < b.key ? -1 : 1));
        if (range.reverse) all.reverse();
        return all.slice(0, range.limit);
      },
      count: (prefix) => store.count(prefix) + rows(prefix).length,
      batch: (writes, durability) => {
        if (!writes.some(({ key }) => key.startsWith('inbox/'))) return store.batch(writes, durability);
        for (const { key, value } of writes) if (value) held.set(key, value);
        // The promise is already given; the disk hears of it a minute later.
        ports.clock.after(60_000, () => {
          store.batch(writes, 'durable');
          for (const { key } of writes) held.delete(key);
        });
      },
    }),
  };
}
