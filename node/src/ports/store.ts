/**
 * Ordered keys with atomic synchronous batches. Not SQL: the simulated disk must be able to tear and lose writes.
 * Keys are non-empty, well-formed strings (no lone surrogate) ordered by their UTF-8 bytes; values are bytes, possibly none.
 */
export type Durability =
  /** on disk (fsync) before `batch` returns: required before anything is acknowledged */
  | 'durable'
  /** atomic and ordered, survives a killed process, may be lost with the machine */
  | 'relaxed';

export type Write = { readonly key: string; readonly value: Uint8Array } | { readonly key: string; readonly value: null };

export interface Range {
  /** only keys that start with this */
  readonly prefix: string;
  /** exclusive bound: keys after it (or before it, when reversed) */
  readonly after?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface Store {
  get(key: string): Uint8Array | undefined;
  /** a snapshot of the rows at the time of the call */
  range(range: Range): { key: string; value: Uint8Array }[];
  /** number of keys with the prefix */
  count(prefix: string): number;
  /** All or nothing, in order (the last write of a key wins); `value: null` deletes. A durable batch, even an empty one, also makes every earlier one durable. Throws `StoreError` (full, read-only, closed), leaving everything as it was. */
  batch(writes: readonly Write[], durability: Durability): void;
  close(): void;
}

export type StoreErrorCode =
  | 'full'
  | 'read_only'
  | 'corrupt' // damaged, or not a store at all
  | 'too_new' // written by a newer version
  | 'locked' // owned by another process
  | 'closed'
  | 'io';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
