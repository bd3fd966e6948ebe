/**
 * The replay window, remembered across restarts: what was delivered before a crash is not delivered again while its envelope is still acceptable.
 * Written relaxed (it survives a killed process); a disk that refuses costs only that.
 */
import { ReplayWindow } from '@muster/protocol';
import type { ReplayVerdict } from '@muster/protocol';
import { StoreError } from '../../ports/index.ts';
import type { Clock, Log, Store } from '../../ports/index.ts';

const SEEN = 'replay/';
/** digits of a Unix time in ms, so that keys sort by it */
const TIME_DIGITS = 15;
const PAGE = 1_000;
const EMPTY = new Uint8Array();

export class ReplayMemory {
  readonly #window: ReplayWindow;
  readonly #store: Store;
  readonly #log: Log;
  #added = 0;
  #failing = false;

  constructor(store: Store, clock: Clock, log: Log, capacity: number) {
    this.#window = new ReplayWindow({ capacity });
    this.#store = store;
    this.#log = log;
    const now = clock.now();
    this.#stored(() => {
      this.#forget(now);
      for (let after: string | undefined; ;) {
        const rows = store.range({ prefix: SEEN, limit: PAGE, ...(after !== undefined && { after }) });
        for (const { key } of rows) this.#window.seen(key.slice(SEEN.length + TIME_DIGITS + 1), staleAfterOf(key), now);
        if (rows.length < PAGE) return;
        after = rows.at(-1)!.key;
      }
    });
  }

  has(id: string): boolean {
    return this.#window.has(id);
  }

  /** As `ReplayWindow.seen`. */
  seen(id: string, staleAfter: number, now: number): ReplayVerdict {
    const verdict = this.#window.seen(id, staleAfter, now);
    if (verdict !== 'fresh') return verdict;
    const key = `${SEEN}${String(staleAfter).padStart(TIME_DIGITS, '0')}/${id}`;
    this.#stored(() => {
      this.#store.batch([{ key, value: EMPTY }], 'relaxed');
      if (++this.#added % PAGE === 0) this.#forget(now);
    });
    return verdict;
  }

  #forget(now: number): void {
    for (;;) {
      const rows = this.#store.range({ prefix: SEEN, limit: PAGE });
      const stale = rows.filter(({ key }) => staleAfterOf(key) < now).map(({ key }) => ({ key, value: null }));
      if (stale.length > 0) this.#store.batch(stale, 'relaxed');
      if (stale.length < PAGE) return;
    }
  }

  #stored(work: () => void): void {
    try {
      work();
      this.#failing = false;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!this.#failing) this.#log.write('warn', 'replays are remembered in memory only', { error: error.message });
      this.#failing = true;
    }
  }
}

function staleAfterOf(key: string): number {
  return Number(key.slice(SEEN.length, SEEN.length + TIME_DIGITS));
}
