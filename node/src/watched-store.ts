import type { Store } from './ports/index.ts';

/** The store, with its last failure among the warnings until it works again. */
export function watched(store: Store, warnings: Map<string, string>): Store {
  return {
    get: (key) => store.get(key),
    range: (range) => store.range(range),
    count: (prefix) => store.count(prefix),
    batch: (writes, durability) => {
      try {
        store.batch(writes, durability);
        warnings.delete('storage');
      } catch (error) {
        warnings.set('storage', `storage unavailable: ${error instanceof Error ? error.message : String(error)}`);
        throw error;
      }
    },
    close: () => store.close(),
  };
}
