/** One topic as this node takes part in it. */
import { MAX_TREES } from '@muster/protocol';
import type { MachineId } from '@muster/protocol';

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
  /** nobody else could have given it what it missed meanwhile */
  cutOff = false;
  askedAt = -Infinity;
  /** until when answers about what was missed are gathered; the smallest counts */
  gap: { until: number; missed: number } | undefined;

  constructor(name: string, now: number) {
    this.name = name;
    this.openedAt = now;
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

  /** Messages since then may be missing here; `cutOff`: and only whoever is met now can say how many. */
  doubt(since: number, cutOff: boolean): void {
    this.doubtSince = Math.max(this.openedAt, Math.min(this.doubtSince ?? Infinity, since));
    this.cutOff ||= cutOff;
  }

  sure(): void {
    this.doubtSince = undefined;
    this.cutOff = false;
    this.gap = undefined;
  }

  /** A neighbour takes part. */
  get attended(): boolean {
    for (const link of this.links.values()) if (link.in) return true;
    return false;
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
