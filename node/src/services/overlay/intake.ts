/**
 * Messages that arrived and wait for their verdict. An id is examined once at a time; a copy waits, so that a forged one cannot shadow the true one.
 * What came over one link is let out in the order it came.
 */
import type { MachineId } from '@muster/protocol';
import { PENDING_OF_PEER } from './limits.ts';
import type { Item, Outcome, Step, Verdict } from './types.ts';

interface Entry<Content> {
  readonly peer: MachineId;
  readonly item: Item<Content>;
  readonly pulled: boolean;
  outcome: Outcome | undefined;
}

export interface IntakeEvents<Content> {
  /** verified and new: pass it on and give it to whoever listens */
  accepted(entry: { readonly peer: MachineId; readonly item: Item<Content>; readonly pulled: boolean }): {
    readonly outcome: Outcome;
    readonly local: boolean;
  };
  forged(peer: MachineId): void;
  /** a copy of what is here already */
  copy(peer: MachineId, item: Item<Content>, pulled: boolean): void;
}

export class Intake<Content> {
  readonly #step: Step<Content>;
  readonly #events: IntakeEvents<Content>;
  /** the first is being verified */
  readonly #examined = new Map<string, Entry<Content>[]>();
  readonly #queues = new Map<MachineId, Entry<Content>[]>();
  readonly #byContent = new Map<Content, Entry<Content>>();

  constructor(step: Step<Content>, events: IntakeEvents<Content>) {
    this.#step = step;
    this.#events = events;
  }

  get pending(): number {
    return this.#examined.size;
  }

  has(id: string): boolean {
    return this.#examined.has(id);
  }

  /** What needs no examination still waits its turn. */
  pass(peer: MachineId, item: Item<Content>, outcome: Outcome): void {
    this.#queue({ peer, item, pulled: false, outcome });
    this.#release(peer);
  }

  examine(peer: MachineId, item: Item<Content>, pulled: boolean): void {
    const copies = this.#examined.get(item.id);
    // One of each peer: however many forgeries somebody sends ahead, the true copy of another is examined too.
    if (copies?.some((copy) => copy.peer === peer)) return this.pass(peer, item, 'duplicate');
    if ((this.#queues.get(peer)?.length ?? 0) >= PENDING_OF_PEER) return this.pass(peer, item, copies ? 'duplicate' : 'refused');
    const entry: Entry<Content> = { peer, item, pulled, outcome: undefined };
    this.#queue(entry);
    if (copies) return void copies.push(entry);
    this.#examined.set(item.id, [entry]);
    this.#verify(entry);
  }

  verified(content: Content, verdict: Verdict): void {
    const entry = this.#byContent.get(content);
    if (!entry) return;
    this.#byContent.delete(content);
    const { id } = entry.item;
    const [, ...copies] = this.#examined.get(id)!;
    if (verdict === 'good') {
      // Delivered when its turn comes; what others bring from now on is a copy.
      this.#finish(id, copies, 'duplicate');
      entry.outcome = 'accepted';
    } else {
      entry.outcome = 'refused';
      if (verdict === 'forged') this.#events.forged(entry.peer);
      const [next] = copies;
      if (verdict === 'forged' && next) {
        this.#examined.set(id, copies);
        this.#verify(next);
      } else this.#finish(id, copies, verdict === 'forged' ? 'refused' : 'duplicate');
    }
    this.#release(entry.peer);
  }

  #verify(entry: Entry<Content>): void {
    this.#byContent.set(entry.item.content, entry);
    this.#step.out({ kind: 'verify', content: entry.item.content });
  }

  #finish(id: string, copies: readonly Entry<Content>[], outcome: Outcome): void {
    this.#examined.delete(id);
    for (const copy of copies) copy.outcome = outcome;
    for (const { peer } of copies) this.#release(peer);
  }

  #queue(entry: Entry<Content>): void {
    const queue = this.#queues.get(entry.peer);
    if (queue) queue.push(entry);
    else this.#queues.set(entry.peer, [entry]);
  }

  #release(peer: MachineId): void {
    const queue = this.#queues.get(peer);
    while (queue?.[0]?.outcome !== undefined) {
      const entry = queue.shift()!;
      const { item, pulled } = entry;
      let said = { outcome: entry.outcome!, local: false };
      if (entry.outcome === 'accepted') said = this.#events.accepted(entry);
      else if (entry.outcome === 'duplicate') this.#events.copy(peer, item, pulled);
      this.#step.out({ kind: 'outcome', content: item.content, ...said });
    }
    if (queue?.length === 0) this.#queues.delete(peer);
  }
}
