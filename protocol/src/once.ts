/**
 * Bytes that travelled are not changed any more: what was read from them lately need not be read again, by whoever asks next.
 * Bytes may be kept for long, and what was read from them takes as much again: it stays only until the collector needs the room.
 */
export function once<K extends object, T extends object>(work: (key: K) => T): (key: K) => T {
  const known = new WeakMap<K, WeakRef<T>>();
  return (key) => {
    const before = known.get(key)?.deref();
    if (before) return before;
    const result = work(key);
    known.set(key, new WeakRef(result));
    return result;
  };
}
