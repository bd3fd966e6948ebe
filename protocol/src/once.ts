import { isSmall } from './bytes.ts';

/**
 * Bytes that travelled are not changed any more: what was read from them lately need not be read again, by whoever asks next.
 * Bytes may be kept for long, and what was read from them takes as much again: it stays only until the collector needs the room.
 * What is small is read anew each time: that costs less than to look whether it was read before.
 */
export function once<K extends object, T extends object>(work: (key: K) => T): Once<K, T> {
  const worth = (key: K): boolean => !(key instanceof Uint8Array && isSmall(key));
  const known = new WeakMap<K, WeakRef<T>>();
  const read = (key: K): T => {
    if (!worth(key)) return work(key);
    const before = known.get(key)?.deref();
    if (before) return before;
    const result = work(key);
    known.set(key, new WeakRef(result));
    return result;
  };
  return Object.assign(read, { is: (key: K, result: T): void => void (worth(key) && known.set(key, new WeakRef(result))) });
}

export interface Once<K, T> {
  (key: K): T;
  /** The result is known already, and is what `work` would give. */
  is(key: K, result: T): void;
}
