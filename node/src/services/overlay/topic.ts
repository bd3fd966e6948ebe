/** One topic as this node takes part in it. */
import { MAX_TREES } from '@muster/protocol';
import type { MachineId } from '@muster/protocol';
import { DOUBT_MS, GAP_WAIT_MS, MAX_DROPPED, MISSABLE, MISSABLE_PER_S, RECENT_MS } from './limits.ts';

/** A neighbour, for this topic. */
export interface TopicLink {
  /** it takes part */
  in: boolean;
  /** bit k: it has us take part because we are its parent in tree k */
  asks: number;
  /** the `asks` that we told it; undefined: nothing yet */
  told: number | undefined;
  /** since when it takes part for our sake */
  servesSince: number;
  /** it asked us to push (GRAFT), and did not take it back (PRUNE) */
  grafted: boolean;
  /** since when what we miss is what it misses */
  behindSince: number;
  prunedAt: number;
  graftedAt: number;
}

export class Topic {
  readonly name: string;
  /** since when this node takes part */
  readonly openedAt: number;
  /** the tree whose links are never pruned */
  readonly backbone: number;
  readonly links = new Map<MachineId, TopicLink>();
  /** somebody here listens, since (Unix ms) */
  subscribedAt: number | undefined;
  publishingUntil = -Infinity;
  /** since when nobody needs it */
  idleSince: number | undefined;
  /** since when something may have been missed */
  doubtSince: number | undefined;
  /** when somebody was asked last, since the latest doubt */
  askedAt: number | undefined;
  /** when neighbours said first and last that more is gone, of what is not told yet */
  gone: { readonly since: number; at: number } | undefined;
  /** who was asked in this doubt, and since when it was to tell */
  readonly #asked = new Map<MachineId, number>();
  /** the latest time away: since when, who was asked, and when what they gave was all here; until then messages come much later than elsewhere */
  #catchUp: { readonly since: number; readonly of: Set<MachineId>; doneAt: number | undefined; older: boolean } | undefined;
  /** how many may have been missed that are not told yet, as of when */
  #missable = { count: MAX_DROPPED, at: 0 };
  /** former neighbours that took part, and since when they may not have got what they were sent */
  readonly #undelivered = new Map<MachineId, number>();

  constructor(name: string, now: number) {
    this.name = name;
    this.openedAt = now;
    this.#missable.at = now;
    this.backbone = hash(name) % MAX_TREES;
  }

  link(peer: MachineId): TopicLink {
    let link = this.links.get(peer);
    if (!link)
      this.links.set(
        peer,
        (link = {
          in: false,
          asks: 0,
          told: undefined,
          servesSince: Infinity,
          grafted: false,
          behindSince: Infinity,
          prunedAt: -Infinity,
          graftedAt: -Infinity,
        }),
      );
    return link;
  }

  /** Messages since then may be missing here. */
  doubt(since: number): void {
    this.doubtSince = Math.max(this.openedAt, Math.min(this.doubtSince ?? Infinity, since));
    this.askedAt = undefined;
  }

  /** Since when the neighbour is to tell of what it has, if it did not yet; from now on it did. */
  ask(peer: MachineId, now: number): number | undefined {
    const { doubtSince } = this;
    if (doubtSince === undefined) return undefined;
    this.askedAt = now;
    if ((this.#asked.get(peer) ?? Infinity) <= doubtSince) return undefined;
    this.#asked.set(peer, doubtSince);
    const before = this.#catchUp;
    if (before === undefined || (before.doneAt !== undefined && before.doneAt < doubtSince))
      this.#catchUp = { since: doubtSince, of: new Set([peer]), doneAt: undefined, older: false };
    else this.#catchUp = { since: Math.min(doubtSince, before.since), of: before.of.add(peer), doneAt: undefined, older: before.older };
    return doubtSince;
  }

  /** It was, in the latest time away. */
  asked(peer: MachineId): boolean {
    return this.#catchUp?.of.has(peer) ?? false;
  }

  /** Its link is gone: when it comes back it is asked again. */
  left(peer: MachineId): void {
    this.links.delete(peer);
    this.#asked.delete(peer);
  }

  /** Since when; only the first answer counts what has no names: it cannot be told from what others count. */
  countsOlder(peer: MachineId): number | undefined {
    if (!this.#catchUp?.of.has(peer) || this.#catchUp.older) return undefined;
    this.#catchUp.older = true;
    return this.#catchUp.since;
  }

  /** What was missed before it was opened here was missed by those that it was opened for. */
  behind(since: number): void {
    this.doubtSince = since;
    this.#missable.at = since;
  }

  /** Of so many that others say are missed, how many can have been published in the time since the last ones. */
  countMissed(said: number, now: number): number {
    const { count, at } = this.#missable;
    const possible = Math.min(MISSABLE, count + ((now - at) / 1_000) * MISSABLE_PER_S);
    const counted = Math.min(said, Math.floor(possible));
    this.#missable = { count: possible - counted, at: now };
    return counted;
  }

  /** Whoever may have what is missing, or knows of more, had the time to say so. */
  answered(now: number): boolean {
    const asked = this.doubtSince === undefined ? -Infinity : (this.askedAt ?? Infinity);
    return now - Math.max(asked, this.gone?.at ?? -Infinity) >= GAP_WAIT_MS;
  }

  caughtUp(now: number, giving: (peer: MachineId) => boolean): void {
    const { askedAt } = this;
    const done = this.#catchUp?.doneAt === undefined && askedAt !== undefined && now - askedAt > RECENT_MS;
    if (this.#catchUp && done && ![...this.#catchUp.of].some(giving)) this.#catchUp.doneAt = now;
  }

  /** Since when something may be missing now that the peer is gone. While it was giving what was missed before, all that is in question again. */
  missingSince(peer: MachineId, soundAt: number | undefined): number | undefined {
    const { since, of, doneAt = Infinity } = this.#catchUp ?? { since: 0, of: new Set(), doneAt: -Infinity };
    if (soundAt === undefined) return of.has(peer) && doneAt === Infinity ? since : undefined;
    return soundAt - DOUBT_MS < doneAt ? Math.min(since, soundAt - DOUBT_MS) : soundAt - DOUBT_MS;
  }

  /** The peer may not have got what came since then. What is too old for anyone is forgotten. */
  owe(peer: MachineId, since: number, tooOld: number): void {
    for (const [other, at] of this.#undelivered) if (at < tooOld) this.#undelivered.delete(other);
    this.#undelivered.set(peer, Math.min(this.#undelivered.get(peer) ?? Infinity, since));
  }

  /** It is told now of what it may not have got. @returns since when */
  paid(peer: MachineId): number {
    const since = this.#undelivered.get(peer) ?? Infinity;
    this.#undelivered.delete(peer);
    return since;
  }

  sure(): void {
    this.doubtSince = undefined;
    this.#asked.clear();
  }

  /** Its parent there has it take part, or it has its parent: the one link between the two that interest in the topic stands on. Both ends know. */
  isBackbone(link: TopicLink): boolean {
    return (((link.told ?? 0) | link.asks) & (1 << this.backbone)) !== 0;
  }

  /** Somebody here, or behind `tree` seen from its parent, needs the topic. */
  neededIn(tree: number, parent: MachineId | undefined, now: number): boolean {
    if (this.ownNeed(now)) return true;
    for (const [peer, { asks }] of this.links) if (peer !== parent && (asks & (1 << tree)) !== 0) return true;
    return false;
  }

  ownNeed(now: number): boolean {
    return this.subscribedAt !== undefined || this.publishingUntil > now;
  }

  needed(now: number): boolean {
    if (this.ownNeed(now)) return true;
    for (const { asks } of this.links.values()) if (asks !== 0) return true;
    return false;
  }

  /** Who is sent whole messages, and who only their ids. There is always somebody to push to if there is anybody at all. */
  targets(): { readonly eager: MachineId[]; readonly lazy: MachineId[] } {
    const eager: MachineId[] = [];
    const lazy: MachineId[] = [];
    let backbone = false;
    for (const [peer, link] of this.links) {
      const stands = this.isBackbone(link);
      backbone ||= stands;
      // Who was asked to take part does, also before it says so.
      if (!link.in && !link.told) continue;
      (stands || link.grafted ? eager : lazy).push(peer);
    }
    return backbone ? { eager, lazy } : { eager: [...eager, ...lazy], lazy: [] };
  }
}

/** FNV-1a: spreads topics over the trees. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return value;
}
