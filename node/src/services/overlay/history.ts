/** The messages of the last minutes, for neighbours that missed them; and which there were, for those that come too late. */
import { Arrivals } from './arrivals.ts';
import * as limits from './limits.ts';
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
  /** oldest first; those before `first` are gone */
  kept: (Kept<Content> | undefined)[];
  first: number;
  readonly arrivals: Arrivals;
  /** when the latest came */
  last: number;
}

/** Messages by id, oldest first, bounded in number and bytes. */
class Pool<Content> extends Map<string, Kept<Content>> {
  #bytes = 0;
  readonly #most: number;
  readonly #mostBytes: number;

  constructor(most: number, mostBytes: number) {
    super();
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get full(): boolean {
    return this.size > this.#most || this.#bytes > this.#mostBytes;
  }

  keep(kept: Kept<Content>): void {
    this.set(kept.item.id, kept);
    this.#bytes += kept.item.size;
  }

  drop({ item }: Kept<Content>): void {
    this.delete(item.id);
    this.#bytes -= item.size;
  }
}

/** Bounded in messages, bytes and age over all topics; what nodes tell of themselves apart, so that neither it nor what users say takes room from the other. */
export class History<Content> {
  readonly #users = new Pool<Content>(limits.KEPT, limits.KEPT_BYTES);
  readonly #internal = new Pool<Content>(limits.KEPT_INTERNAL, limits.KEPT_INTERNAL_BYTES);
  readonly #shelves = new Map<string, Shelf<Content>>();
  /** topics of which only the counts are left, in the order they came to that */
  readonly #empty = new Set<string>();
  /** messages that were here or are known to be lost, by id: their topics, and when they came */
  readonly #gone = new Map<string, { readonly topic: string; readonly at: number }>();

  get size(): number {
    return this.#users.size + this.#internal.size;
  }

  get bytes(): number {
    return this.#users.bytes + this.#internal.bytes;
  }

  get(id: string): Kept<Content> | undefined {
    return this.#users.get(id) ?? this.#internal.get(id);
  }

  /** Where a message belongs that users sent and that is here, or was lately, and when it came. */
  trace(id: string): { readonly topic: string; readonly at: number } | undefined {
    const kept = this.#users.get(id);
    return kept ? { topic: kept.item.topic, at: kept.at } : this.#gone.get(id);
  }

  add(kept: Kept<Content>): void {
    const { id, topic, internal } = kept.item;
    let shelf = this.#shelves.get(topic);
    if (!shelf) this.#shelves.set(topic, (shelf = { kept: [], first: 0, arrivals: new Arrivals(), last: -Infinity }));
    shelf.kept.push(kept);
    if (!internal) shelf.arrivals.add(kept.at);
    shelf.last = kept.at;
    this.#empty.delete(topic);
    this.#gone.delete(id);
    const pool = this.#poolOf(kept.item);
    pool.keep(kept);
    while (pool.full) this.#drop(pool.values().next().value!);
  }

  /** Forgets what is too old. */
  sweep(now: number): void {
    for (const pool of [this.#users, this.#internal]) {
      for (const kept of pool.values()) {
        if (kept.at > now - limits.KEPT_FOR_MS) break;
        this.#drop(kept);
      }
    }
  }

  /** Ids that came since then and are still good at `wall` (Unix ms), oldest first. */
  since(topic: string, at: number, wall: number): string[] {
    return keptSince(this.#shelves.get(topic), at)
      .filter(({ item }) => isGood(item, wall))
      .map(({ item }) => item.id);
  }

  /** What came since then and nobody can have from here: when, by id, and how many more there were of which not even that is known. */
  gone(topic: string, at: number, wall: number): { readonly came: [id: string, at: number][]; readonly older: number } {
    const shelf = this.#shelves.get(topic);
    const came: [string, number][] = [];
    for (const [id, gone] of this.#gone) if (gone.topic === topic && gone.at >= at) came.push([id, gone.at]);
    // Nodes differ in what came just before such a moment, and these cannot be told apart.
    const sure = at + limits.DOUBT_MS;
    let named = came.filter(([, gone]) => gone >= sure).length;
    for (const { at: kept, item } of keptSince(shelf, at)) {
      if (kept >= sure) named++;
      if (!item.internal && !isGood(item, wall)) came.push([item.id, kept]);
    }
    return { came, older: Math.max(0, (shelf?.arrivals.since(sure) ?? 0) - named) };
  }

  /** It never came, and never will. */
  lost(id: string, topic: string, at: number): void {
    this.#gone.set(id, { topic, at });
    if (this.#gone.size > limits.MAX_DROPPED) this.#gone.delete(this.#gone.keys().next().value!);
  }

  /** Something of the topic came since then. */
  has(topic: string, at: number): boolean {
    return (this.#shelves.get(topic)?.last ?? -Infinity) >= at;
  }

  #poolOf({ internal }: Item<unknown>): Pool<Content> {
    return internal ? this.#internal : this.#users;
  }

  #drop(dropped: Kept<Content>): void {
    const { item, at } = dropped;
    this.#poolOf(item).drop(dropped);
    if (!item.internal) this.lost(item.id, item.topic, at);
    const shelf = this.#shelves.get(item.topic)!;
    if (shelf.kept[shelf.first] === dropped) shelf.kept[shelf.first++] = undefined;
    else shelf.kept.splice(shelf.kept.indexOf(dropped, shelf.first), 1);
    if (2 * shelf.first > shelf.kept.length) {
      shelf.kept = shelf.kept.slice(shelf.first);
      shelf.first = 0;
    }
    if (shelf.kept.length === 0) this.#emptied(item.topic);
  }

  /** Its counts stay a while. */
  #emptied(topic: string): void {
    this.#empty.delete(topic);
    this.#empty.add(topic);
    if (this.#empty.size <= limits.MAX_EMPTY_SHELVES) return;
    const [oldest] = this.#empty;
    this.#empty.delete(oldest!);
    this.#shelves.delete(oldest!);
  }
}

/** Oldest first, looked for from the latest on: most ask for little. */
function keptSince<Content>(shelf: Shelf<Content> | undefined, at: number): Kept<Content>[] {
  if (!shelf) return [];
  let index = shelf.kept.length;
  while (index > shelf.first && shelf.kept[index - 1]!.at >= at) index--;
  return shelf.kept.slice(index) as Kept<Content>[];
}

function isGood({ expires }: Item<unknown>, wall: number): boolean {
  return expires > wall + limits.STALE_SOON_MS;
}
