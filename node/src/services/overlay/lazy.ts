/** The lazy half of spreading messages: ids are told in batches, and what does not come by itself is asked for (IHAVE and GRAFT of PlumTree). */
import { MAX_IDS } from '@muster/protocol';
import type { MachineId } from '@muster/protocol';
import * as limits from './limits.ts';
import type { Step } from './types.ts';

interface Awaited {
  /** who has it, asked in turn; the first counts it among its own */
  readonly holders: MachineId[];
  readonly since: number;
  due: number;
  asked: number;
  askedOf: MachineId | undefined;
  /** told of it again after it was asked: it had no room to send it */
  again: MachineId | undefined;
}

export interface LazyParts {
  /** it is here, or was */
  readonly known: (id: string) => boolean;
  /** it is being looked at */
  readonly pending: (id: string) => boolean;
  /** much is arriving */
  readonly busy: () => boolean;
  /** nodes tell it of themselves: nobody waits for it */
  readonly internal: (id: string) => boolean;
  /** when it came here, as far as that is known */
  readonly cameAt: (id: string) => number;
  /** the peer will never be told of it */
  readonly lost: (peer: MachineId, id: string) => void;
  /** who was a neighbour for so long that it told of all that it has to tell of */
  readonly settledPeers: () => readonly MachineId[];
  /** the peer left so many that it had told of, and gave fewer than it left */
  readonly broken: (peer: MachineId, count: number) => void;
}

export class Lazy {
  readonly #step: Step<unknown>;
  readonly #parts: LazyParts;
  readonly #untold = new Map<MachineId, { readonly ids: Set<string>; since: number }>();
  readonly #awaited = new Map<string, Awaited>();
  readonly #awaitedOf = new Map<MachineId, number>();
  readonly #askedOf = new Map<MachineId, number>();
  /** what peers gave when asked, and what they left */
  readonly #given = new Map<MachineId, number>();
  readonly #left = new Map<MachineId, number>();
  /** what neighbours were told lately: until when, and since when the oldest of it was here */
  readonly #said = new Map<MachineId, { until: number; since: number }[]>();
  /** what only neighbours had that are gone, and whom else it was asked of since */
  readonly #orphans = new Map<string, { readonly since: number; readonly of: Set<MachineId> }>();
  #orphansDue: number | undefined;
  /** when peers are told next, and when somebody may have to be asked */
  #tellAt = Infinity;
  #askAt = Infinity;
  /** ms that messages take to come by themselves after somebody told of them, smoothed */
  #typical = 0;
  /** ms by which this process ran late: what was sent meanwhile waits unread, so that time is not held against anyone */
  #lag = 0;

  constructor(step: Step<unknown>, parts: LazyParts) {
    this.#step = step;
    this.#parts = parts;
  }

  /** when there is something to do */
  get due(): number {
    return Math.min(this.#tellAt, this.#askAt, this.#orphansDue ?? Infinity);
  }

  get size(): number {
    return this.#awaited.size;
  }

  /** The peer will be told that we have these. */
  offer(peer: MachineId, ids: readonly string[]): void {
    if (ids.length === 0) return;
    let untold = this.#untold.get(peer);
    if (!untold) this.#untold.set(peer, (untold = { ids: new Set(), since: Infinity }));
    for (const id of ids) {
      if (untold.ids.size >= limits.UNTOLD && !untold.ids.has(id)) this.#parts.lost(peer, id);
      else untold.ids.add(id);
      untold.since = Math.min(untold.since, this.#parts.cameAt(id));
    }
    const within = ids.every((id) => this.#parts.internal(id)) ? limits.TELL_INTERNAL_EVERY_MS : limits.TELL_EVERY_MS;
    this.#tellAt = Math.min(this.#tellAt, this.#step.now + within);
  }

  /** The peer says that it has these. */
  told(peer: MachineId, ids: readonly string[]): void {
    for (const id of ids) {
      if (this.#parts.known(id)) continue;
      this.#orphans.delete(id);
      const awaited = this.#awaited.get(id);
      if (!awaited) this.#await(id, peer);
      else if (awaited.asked > 0 && awaited.holders.includes(peer)) awaited.again = peer;
      else if (awaited.holders.length < limits.HOLDERS && !awaited.holders.includes(peer)) awaited.holders.push(peer);
    }
  }

  /** Messages that only it is expected to give. */
  awaitedOf(peer: MachineId): number {
    return this.#awaitedOf.get(peer) ?? 0;
  }

  /** Who said that they have it. */
  holders(id: string): readonly MachineId[] {
    return this.#awaited.get(id)?.holders ?? [];
  }

  /** It came. True when the peer was asked for it. */
  arrived(id: string, peer: MachineId): boolean {
    const awaited = this.#awaited.get(id);
    if (awaited?.asked === 0) this.#typical += (this.#step.now - this.#lag - awaited.since - this.#typical) / 8;
    if (this.#orphans.get(id)?.of.has(peer)) return true;
    if (awaited === undefined || awaited.asked === 0 || !awaited.holders.includes(peer)) return false;
    this.#given.set(peer, (this.#given.get(peer) ?? 0) + 1);
    return true;
  }

  /** What was asked for came by itself as well: it would have come anyway. */
  hasty(): void {
    this.#typical = Math.min(limits.BUSY_PATIENCE_MS, (this.#typical + limits.PATIENCE_MS) * 1.25);
  }

  /** It is here for good, or will never be. */
  settled(id: string): void {
    this.#orphans.delete(id);
    const awaited = this.#awaited.get(id);
    if (!awaited) return;
    this.#awaited.delete(id);
    this.#answered(awaited);
    const [first] = awaited.holders;
    this.#awaitedOf.set(first!, (this.#awaitedOf.get(first!) ?? 1) - 1);
  }

  /** The peer cannot give it, after all. */
  withdraw(peer: MachineId, id: string): void {
    const awaited = this.#awaited.get(id);
    if (!awaited?.holders.includes(peer)) return;
    this.settled(id);
    for (const holder of awaited.holders) if (holder !== peer) this.told(holder, [id]);
  }

  /** The peer is told of what came here since then. */
  note(peer: MachineId, since: number): void {
    const { now } = this.#step;
    let said = this.#said.get(peer);
    if (!said) this.#said.set(peer, (said = []));
    const last = said.at(-1);
    if (last && Math.floor(last.until / limits.FINE_SLOT_MS) === Math.floor(now / limits.FINE_SLOT_MS)) {
      last.until = now;
      last.since = Math.min(last.since, since);
    } else said.push({ until: now, since });
    while (said[0]!.until < now - limits.SAID_FOR_MS) said.shift();
  }

  /**
   * @param soundAt what it was told before then, it heard
   * @returns when the oldest came of what it may not have been told
   */
  gone(peer: MachineId, soundAt: number): number {
    let since = this.#untold.get(peer)?.since ?? Infinity;
    for (const said of this.#said.get(peer) ?? []) if (said.until >= soundAt) since = Math.min(since, said.since);
    this.#untold.delete(peer);
    this.#said.delete(peer);
    for (const [id, { holders }] of this.#awaited) {
      if (!holders.includes(peer)) continue;
      this.withdraw(peer, id);
      if (holders.length === 1) this.#orphan(id);
    }
    this.#awaitedOf.delete(peer);
    this.#askedOf.delete(peer);
    return since;
  }

  /** Its link is gone, and with it what it may be reproached with. */
  forget(peer: MachineId): void {
    this.#given.delete(peer);
    this.#left.delete(peer);
  }

  flush(): void {
    const { now } = this.#step;
    if (this.#orphansDue !== undefined && now >= this.#orphansDue) this.#askAround();
    const due = Math.min(this.#tellAt, this.#askAt);
    if (now < due) return;
    this.#lag += now - due;
    if (now >= this.#tellAt) {
      this.#tellAt = Infinity;
      for (const [peer, { ids, since }] of this.#untold) {
        this.note(peer, since);
        this.#say(peer, 'have', [...ids]);
      }
      this.#untold.clear();
    }
    if (now >= this.#askAt) this.#ask();
  }

  get #patience(): number {
    return Math.min(limits.BUSY_PATIENCE_MS, limits.PATIENCE_MS + 2 * Math.max(0, this.#typical));
  }

  #await(id: string, peer: MachineId): void {
    const own = this.#awaitedOf.get(peer) ?? 0;
    if (this.#awaited.size >= limits.AWAITED || own >= limits.AWAITED_OF_PEER) return;
    const now = this.#step.now - this.#lag;
    this.#awaitedOf.set(peer, own + 1);
    const due = now + this.#patience;
    this.#awaited.set(id, { holders: [peer], since: now, due, asked: 0, askedOf: undefined, again: undefined });
    this.#askAt = Math.min(this.#askAt, due + this.#lag);
  }

  #ask(): void {
    const now = this.#step.now - this.#lag;
    const busy = this.#parts.busy();
    const questions = new Map<MachineId, string[]>();
    const left = new Map<MachineId, number>();
    let next = Infinity;
    this.#askAt = Infinity;
    for (const [id, awaited] of this.#awaited) {
      const early = awaited.due > now || (busy && awaited.asked === 0 && now - awaited.since < limits.BUSY_PATIENCE_MS);
      if (!early) this.#askFor(id, awaited, now, questions, left);
      if (this.#awaited.get(id) === awaited) next = Math.min(next, awaited.due);
    }
    // What is due and had to wait is looked at again soon.
    this.#askAt = Math.min(this.#askAt, Math.max(next, now + limits.ASK_EVERY_MS) + this.#lag);
    for (const [holder, ids] of questions) this.#say(holder, 'want', ids);
    for (const [holder, count] of left) {
      const all = (this.#left.get(holder) ?? 0) + count;
      this.#left.set(holder, all);
      if (all > (this.#given.get(holder) ?? 0)) this.#parts.broken(holder, count);
    }
  }

  /** Neighbours may have what the one that told of it did not give before it went. */
  #askAround(): void {
    const { now } = this.#step;
    this.#orphansDue = now + limits.ORPHANS_EVERY_MS;
    const questions = this.#parts.settledPeers().map((peer): [MachineId, string[]] => [peer, []]);
    for (const [id, { since, of }] of this.#orphans) {
      if (since < now - limits.KEPT_FOR_MS || this.#parts.known(id)) this.#orphans.delete(id);
      else if (!this.#parts.pending(id)) {
        const asked = questions.find(([peer, ids]) => !of.has(peer) && ids.length < limits.ASKED_AT_ONCE);
        asked?.[1].push(id);
        if (asked) of.add(asked[0]);
      }
    }
    for (const [peer, ids] of questions) this.#say(peer, 'want', ids);
    if (this.#orphans.size === 0) this.#orphansDue = undefined;
  }

  #askFor(id: string, awaited: Awaited, now: number, questions: Map<MachineId, string[]>, left: Map<MachineId, number>): void {
    if (this.#parts.known(id)) return this.settled(id);
    // A forged copy must not make us forget who has the true one.
    if (this.#parts.pending(id)) return;
    const holder = awaited.holders[awaited.asked % awaited.holders.length]!;
    if (awaited.asked >= limits.ASK_TIMES) return this.#giveUp(id, awaited, left);
    if (awaited.askedOf !== holder && (this.#askedOf.get(holder) ?? 0) >= limits.ASKED_AT_ONCE) return;
    this.#answered(awaited);
    awaited.askedOf = holder;
    awaited.again = undefined;
    this.#askedOf.set(holder, (this.#askedOf.get(holder) ?? 0) + 1);
    awaited.due = now + limits.ASK_AGAIN_MS * 2 ** awaited.asked++;
    const asked = questions.get(holder);
    if (asked) asked.push(id);
    else questions.set(holder, [id]);
  }

  #answered(awaited: Awaited): void {
    if (awaited.askedOf !== undefined) this.#askedOf.set(awaited.askedOf, (this.#askedOf.get(awaited.askedOf) ?? 1) - 1);
    awaited.askedOf = undefined;
  }

  #giveUp(id: string, awaited: Awaited, left: Map<MachineId, number>): void {
    this.settled(id);
    for (const holder of awaited.holders.slice(0, awaited.asked)) left.set(holder, (left.get(holder) ?? 0) + 1);
    if (awaited.again !== undefined) this.#await(id, awaited.again);
    else this.#orphan(id);
  }

  #orphan(id: string): void {
    if (this.#orphans.size >= limits.ORPHANS) return;
    this.#orphans.set(id, { since: this.#step.now, of: new Set() });
    this.#orphansDue ??= this.#step.now + limits.ORPHANS_EVERY_MS;
  }

  #say(peer: MachineId, what: 'have' | 'want', ids: readonly string[]): void {
    for (let at = 0; at < ids.length; at += MAX_IDS) this.#step.out({ kind: 'tell', peer, what, ids: ids.slice(at, at + MAX_IDS) });
  }
}
