/**
 * The replay window, remembered across restarts: what was delivered before a crash is not delivered again while its envelope is still acceptable.
 * Written relaxed and a moment later, many at once: a killed process forgets the last milliseconds only, and with it went those who had got them.
 * A disk that refuses costs only that.
 */
import { ReplayWindow } from '@muster/protocol';
import type { ReplayVerdict } from '@muster/protocol';
import { StoreError } from '../../ports/index.ts';
import type { Clock, Log, Store, Write } from '../../ports/index.ts';
import type { OverlayMessage } from './overlay.ts';

const SEEN = 'replay/';
/** digits of a Unix time in ms, so that keys sort by it */
const TIME_DIGITS = 15;
const PAGE = 1_000;
const EMPTY = new Uint8Array();
const WRITE_AFTER_MS = 20;
const WRITE_AT_ONCE = 256;

export class ReplayMemory implements Disposable {
  readonly #window: ReplayWindow;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  #added = 0;
  #waiting: Write[] = [];
  #timer: Disposable | undefined;
  #failing = false;

  constructor(store: Store, clock: Clock, log: Log, capacity: number) {
    this.#window = new ReplayWindow({ capacity });
    this.#store = store;
    this.#clock = clock;
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
  seen({ id, staleAfter, header }: Pick<OverlayMessage, 'id' | 'staleAfter' | 'header'>, now: number): ReplayVerdict {
    const verdict = this.#window.seen(id, staleAfter, now);
    // What nodes tell of themselves carries a time of its own, by which an older one is known: it need not be stored.
    if (verdict !== 'fresh' || header.kind === 'announce') return verdict;
    this.#waiting.push({ key: `${SEEN}${String(staleAfter).padStart(TIME_DIGITS, '0')}/${id}`, value: EMPTY });
    if (this.#waiting.length >= WRITE_AT_ONCE) this.#write();
    else this.#timer ??= this.#clock.after(WRITE_AFTER_MS, () => this.#write());
    if (++this.#added % PAGE === 0) this.#stored(() => this.#forget(now));
    return verdict;
  }

  /** Writes what waits. */
  [Symbol.dispose](): void {
    this.#write();
  }

  #write(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const writes = this.#waiting;
    this.#waiting = [];
    if (writes.length > 0) this.#stored(() => this.#store.batch(writes, 'relaxed'));
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
