/** The messages of the last minutes, for neighbours that missed them; and how many there were, for those that come too late. */
import { Arrivals } from './arrivals.ts';
import { KEPT, KEPT_BYTES, KEPT_FOR_MS, KEPT_INTERNAL, MAX_DROPPED, MAX_EMPTY_SHELVES, STALE_SOON_MS } from './limits.ts';
import type { Item } from './types.ts';

export interface Kept<Content> {
  readonly item: Item<Content>;
  readonly at: number;
  /** who brought it first; undefined: our own */
  readonly from: string | undefined;
  /** it was asked for, so a copy that comes on its own later is nobody's fault */
  readonly pulled: boolean;
}

interface Shelf<Content> {
  /** oldest first */
  readonly kept: Map<string, Kept<Content>>;
  readonly arrivals: Arrivals;
  /** when the latest came */
  last: number;
}

/** Bounded in messages, bytes and age over all topics. */
export class History<Content> {
  readonly #all = new Map<string, Kept<Content>>();
  readonly #internal = new Map<string, Kept<Content>>();
  readonly #shelves = new Map<string, Shelf<Content>>();
  /** topics of which only the counts are left, in the order they came to that */
  readonly #empty = new Set<string>();
  /** messages that were here lately, by id: their topics, and when they went */
  readonly #dropped = new Map<string, { readonly topic: string; readonly at: number }>();
  #bytes = 0;

  get size(): number {
    return this.#all.size + this.#internal.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(id: string): Kept<Content> | undefined {
    return this.#all.get(id) ?? this.#internal.get(id);
  }

  /** Where a message belongs that is here, or was lately, and when it went. */
  trace(id: string): { readonly topic: string; readonly at?: number } | undefined {
    return this.get(id)?.item ?? this.#dropped.get(id);
  }

  add(kept: Kept<Content>): void {
    const { id, topic, size, internal } = kept.item;
    let shelf = this.#shelves.get(topic);
    if (!shelf) this.#shelves.set(topic, (shelf = { kept: new Map(), arrivals: new Arrivals(), last: -Infinity }));
    shelf.kept.set(id, kept);
    shelf.arrivals.add(kept.at);
    shelf.last = kept.at;
    this.#empty.delete(topic);
    (internal ? this.#internal : this.#all).set(id, kept);
    this.#bytes += size;
    if (this.#internal.size > KEPT_INTERNAL) this.#drop(first(this.#internal)!, kept.at);
    while (this.#all.size > KEPT || this.#bytes > KEPT_BYTES) this.#drop(first(this.#all) ?? first(this.#internal)!, kept.at);
  }

  /** Forgets what is too old. */
  sweep(now: number): void {
    for (const pool of [this.#all, this.#internal]) {
      for (const kept of pool.values()) {
        if (kept.at > now - KEPT_FOR_MS) break;
        this.#drop(kept, now);
      }
    }
  }

  /** Ids that came since then and are still good at `wall` (Unix ms), oldest first, and how many more came that nobody can have from here. */
  since(topic: string, at: number, wall: number): { readonly ids: string[]; readonly missed: number } {
    const shelf = this.#shelves.get(topic);
    if (!shelf) return { ids: [], missed: 0 };
    const ids: string[] = [];
    let kept = 0;
    for (const { at: came, item } of shelf.kept.values()) {
      if (came < at) continue;
      kept++;
      if (item.expires > wall + STALE_SOON_MS) ids.push(item.id);
    }
    // The oldest went first: when older ones are here, all since then are.
    const gone = kept < shelf.kept.size ? 0 : Math.max(0, shelf.arrivals.since(at) - kept);
    return { ids, missed: gone + kept - ids.length };
  }

  /** How many came since then, without our own after `ownUntil`. */
  arrived(topic: string, at: number, ownUntil: number): number {
    const shelf = this.#shelves.get(topic);
    if (!shelf) return 0;
    let own = 0;
    for (const kept of shelf.kept.values()) if (kept.from === undefined && kept.at > ownUntil && kept.at >= at) own++;
    return Math.max(0, shelf.arrivals.since(at) - own);
  }

  /** Something of the topic came since then. */
  has(topic: string, at: number): boolean {
    return (this.#shelves.get(topic)?.last ?? -Infinity) >= at;
  }

  #drop({ item }: Kept<Content>, now: number): void {
    (item.internal ? this.#internal : this.#all).delete(item.id);
    this.#bytes -= item.size;
    this.#dropped.set(item.id, { topic: item.topic, at: now });
    if (this.#dropped.size > MAX_DROPPED) this.#dropped.delete(this.#dropped.keys().next().value!);
    const { kept } = this.#shelves.get(item.topic)!;
    kept.delete(item.id);
    if (kept.size === 0) this.#emptied(item.topic);
  }

  /** Its counts stay a while. */
  #emptied(topic: string): void {
    this.#empty.delete(topic);
    this.#empty.add(topic);
    if (this.#empty.size <= MAX_EMPTY_SHELVES) return;
    const [oldest] = this.#empty;
    this.#empty.delete(oldest!);
    this.#shelves.delete(oldest!);
  }
}

function first<T>(of: ReadonlyMap<string, T>): T | undefined {
  return of.values().next().value;
}
