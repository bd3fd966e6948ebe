/** The messages of the last minutes, for neighbours that missed them; and how many there were, for those that come too late. */
import { COUNT_SLOT_MS, COUNT_SLOTS, FINE_SLOT_MS, FINE_SLOTS, KEPT, KEPT_BYTES, KEPT_FOR_MS, STALE_SOON_MS } from './limits.ts';
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
  /** arrivals by slot of time, oldest first: far back, and of late more finely */
  readonly counts: Map<number, number>;
  readonly fine: Map<number, number>;
  /** more may come; otherwise it goes with the last message */
  open: boolean;
}

/** Bounded in messages, bytes and age over all topics. */
export class History<Content> {
  readonly #all = new Map<string, Kept<Content>>();
  readonly #shelves = new Map<string, Shelf<Content>>();
  #bytes = 0;

  get size(): number {
    return this.#all.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(id: string): Kept<Content> | undefined {
    return this.#all.get(id);
  }

  add(kept: Kept<Content>): void {
    const { id, topic, size } = kept.item;
    let shelf = this.#shelves.get(topic);
    if (!shelf) this.#shelves.set(topic, (shelf = { kept: new Map(), counts: new Map(), fine: new Map(), open: true }));
    shelf.open = true;
    shelf.kept.set(id, kept);
    tally(shelf.counts, Math.floor(kept.at / COUNT_SLOT_MS), COUNT_SLOTS);
    tally(shelf.fine, Math.floor(kept.at / FINE_SLOT_MS), FINE_SLOTS);
    this.#all.set(id, kept);
    this.#bytes += size;
    while (this.#all.size > KEPT || this.#bytes > KEPT_BYTES) this.#drop(this.#all.values().next().value!);
  }

  /** Forgets what is too old. */
  sweep(now: number): void {
    for (const kept of this.#all.values()) {
      if (kept.at > now - KEPT_FOR_MS) return;
      this.#drop(kept);
    }
  }

  /** Ids that came since then and are still good at `wall` (Unix ms), oldest first, and how many more came that are no longer here. */
  since(topic: string, at: number, wall: number): { readonly ids: string[]; readonly missed: number } {
    const shelf = this.#shelves.get(topic);
    if (!shelf) return { ids: [], missed: 0 };
    const ids: string[] = [];
    let whole = 0;
    // Whole slots only: what came in the first one may have come before.
    const isFine = shelf.fine.size < FINE_SLOTS || shelf.fine.keys().next().value! * FINE_SLOT_MS <= at;
    const [counts, length] = isFine ? [shelf.fine, FINE_SLOT_MS] : [shelf.counts, COUNT_SLOT_MS];
    const first = Math.floor(at / length) + 1;
    for (const kept of shelf.kept.values()) {
      if (kept.at < at) continue;
      if (kept.item.expires > wall + STALE_SOON_MS) ids.push(kept.item.id);
      if (Math.floor(kept.at / length) >= first) whole++;
    }
    let came = 0;
    for (const [slot, count] of counts) if (slot >= first) came += count;
    return { ids, missed: Math.max(0, came - whole) };
  }

  /** Something of the topic is still here. */
  has(topic: string): boolean {
    return (this.#shelves.get(topic)?.kept.size ?? 0) > 0;
  }

  /** This node takes no more part in the topic: what it has stays until it is too old, for whoever comes back. */
  close(topic: string): void {
    if (!this.has(topic)) this.#shelves.delete(topic);
    else this.#shelves.get(topic)!.open = false;
  }

  #drop({ item }: Kept<Content>): void {
    this.#all.delete(item.id);
    this.#bytes -= item.size;
    const shelf = this.#shelves.get(item.topic)!;
    shelf.kept.delete(item.id);
    if (!shelf.open && shelf.kept.size === 0) this.#shelves.delete(item.topic);
  }
}

function tally(counts: Map<number, number>, slot: number, most: number): void {
  counts.set(slot, (counts.get(slot) ?? 0) + 1);
  if (counts.size > most) counts.delete(counts.keys().next().value!);
}
