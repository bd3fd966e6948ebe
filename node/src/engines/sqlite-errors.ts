import { StoreError, type StoreErrorCode } from '../ports/index.ts';

/** Primary SQLite result codes (https://sqlite.org/rescode.html), low byte of `errcode`. */
const CODES: Readonly<Record<number, readonly [StoreErrorCode, string]>> = {
  5: ['locked', 'is in use by another process; stop it first'],
  6: ['locked', 'is in use by another process; stop it first'],
  8: ['read_only', 'cannot be written; make it and its directory writable'],
  11: ['corrupt', 'is damaged; restore a copy or move it away'],
  13: ['full', 'cannot grow, the disk is full; free some space'],
  14: ['io', 'cannot be opened; check its directory and permissions'],
  26: ['corrupt', 'is not a database; restore a copy or move it away'],
};

const SYSTEM: Readonly<Record<string, number>> = { EROFS: 8, EACCES: 8, EPERM: 8, ENOSPC: 13, EDQUOT: 13 };

/** What went wrong with the file at `path`, in one line that says what to do; anything unknown is `io`. */
export function storeError(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { errcode, code, message } = error as { errcode?: number; code?: string; message?: string };
  const known = CODES[errcode === undefined ? (SYSTEM[code ?? ''] ?? 0) : errcode & 0xff];
  const [storeCode, advice] = known ?? (['io', 'failed'] as const);
  return new StoreError(storeCode, `${path} ${advice} (${message ?? String(error)})`, { cause: error });
}
