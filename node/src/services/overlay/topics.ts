/**
 * Who takes part in which topic, and how messages spread among them.
 *
 * A node takes part when somebody on it listens or publishes, or when a neighbour that does sits below it in a shared tree: so those that take part
 * are always connected, and a node with no interest and none behind it holds nothing. Messages are pushed along the links of one tree between them
 * (the backbone, which nothing prunes) and along links that asked for it; over all others only ids are told (PlumTree, Leitão, Pereira, Rodrigues 2007).
 */
import { MAX_TOPIC_ITEMS, MAX_TREES } from '@muster/protocol';
import type { MachineId, TopicItem } from '@muster/protocol';
import { Carrying } from './carrying.ts';
import { Gaps } from './gaps.ts';
import type { History } from './history.ts';
import * as limits from './limits.ts';
import type { Lazy } from './lazy.ts';
import type { Scores } from './scores.ts';
import { Topic } from './topic.ts';
import type { TopicLink } from './topic.ts';
import type { Trees } from './trees.ts';
import type { Item, Step } from './types.ts';
import { Withheld } from './withheld.ts';

export interface TopicsParts<Content> {
  readonly neighbours: () => ReadonlySet<MachineId>;
  readonly trees: () => Trees;
  readonly history: History<Content>;
  readonly lazy: () => Lazy;
  readonly scores: () => Scores;
  /** it is here, or was, or is being looked at */
  readonly known: (id: string) => boolean;
  /** when its link came up */
  readonly linkedAt: (peer: MachineId) => number;
}

export class Topics<Content> {
  readonly #step: Step<Content>;
  readonly #parts: TopicsParts<Content>;
  readonly #topics = new Map<string, Topic>();
  readonly #said = new Map<MachineId, TopicItem[]>();
  readonly #idle = new Set<Topic>();
  readonly #carrying: Carrying;
  /** neighbours from another component, and how long the two were apart at most, in ms */
  readonly #windows = new Map<MachineId, number>();
  /** former neighbours whose links were lost, and when those were sound last */
  readonly #parted = new Map<MachineId, number>();
  readonly #withheld: Withheld;
  readonly gaps: Gaps;

  constructor(step: Step<Content>, parts: TopicsParts<Content>) {
    this.#step = step;
    this.#parts = parts;
    this.#carrying = new Carrying(step);
    this.#withheld = new Withheld(step, (peer) => {
      if (parts.neighbours().has(peer)) parts.scores().blame(peer, 'withheld');
    });
    this.gaps = new Gaps(step, {
      ...parts,
      topic: (name) => this.#topics.get(name),
      blame: (peer) => parts.scores().blame(peer, 'malformed'),
      isParent: (topic, peer) => parts.trees().parent(topic.backbone) === peer,
    });
  }

  get size(): number {
    return this.#topics.size;
  }

  get(topic: string): Topic | undefined {
    return this.#topics.get(topic);
  }

  all(): IterableIterator<Topic> {
    return this.#topics.values();
  }

  subscribe(name: string): void {
    const topic = this.#open(name);
    topic.subscribedAt ??= this.#step.wall;
    this.#reconcile(topic);
  }

  unsubscribe(name: string): void {
    const topic = this.#topics.get(name);
    if (!topic) return;
    topic.subscribedAt = undefined;
    topic.sure();
    this.#reconcile(topic);
  }

  publish(item: Item<Content>): void {
    const topic = this.#open(item.topic);
    topic.publishingUntil = this.#step.now + limits.PUBLISHER_MS;
    this.#reconcile(topic);
    this.spread(topic, item, undefined, false);
  }

  /** Keeps it, pushes it and tells of it. */
  spread(topic: Topic, item: Item<Content>, from: MachineId | undefined, pulled: boolean): void {
    const { history, lazy } = this.#parts;
    history.add({ item, at: this.#step.now, from, pulled });
    const { eager, lazy: told } = topic.targets();
    const have = lazy().holders(item.id);
    for (const peer of eager) if (peer !== from && !have.includes(peer)) this.#step.out({ kind: 'pass', peer, item, pulled: false });
    for (const peer of told) if (peer !== from && !have.includes(peer)) lazy().offer(peer, [item.id]);
    lazy().settled(item.id);
    // What had to be asked for shows that nobody pushes to us: from now on this one shall.
    if (!pulled || from === undefined) return;
    this.#graft(topic, from);
    this.#withheld.suspect(topic, this.#parts.trees().parent(topic.backbone), item.id, have);
  }

  /** The peer has these, after all. */
  showed(peer: MachineId, ids: readonly string[]): void {
    this.#withheld.showed(peer, ids);
  }

  /** A copy came. One of the two ways that the message took is to spare, and never the backbone. */
  copy(peer: MachineId, item: Item<Content>): void {
    const topic = this.#topics.get(item.topic);
    const kept = this.#parts.history.get(item.id);
    if (!topic || !kept || kept.pulled || kept.from === peer || kept.from === undefined) return;
    const link = topic.links.get(peer);
    if (link && !topic.isBackbone(link)) return this.#prune(topic, peer);
    const first = kept.from as MachineId;
    const other = topic.links.get(first);
    if (other && !topic.isBackbone(other)) this.#prune(topic, first);
  }

  up(peer: MachineId): void {
    for (const topic of this.#topics.values()) this.#reconcileLink(topic, peer);
  }

  /**
   * `soundAt`: what its link was given before then, at either end, arrived; undefined when nothing it was given is missing.
   * `untoldSince`: since when it was not even told of all that came.
   */
  down(peer: MachineId, soundAt: number | undefined, untoldSince: number): void {
    const { now } = this.#step;
    this.#said.delete(peer);
    const undelivered = Math.min(soundAt ?? Infinity, untoldSince, this.gaps.down(peer));
    if (soundAt !== undefined) this.#part(peer, soundAt);
    for (const topic of this.#topics.values()) {
      const link = topic.links.get(peer);
      if (!link) continue;
      this.#carrying.asked(link, peer, 0);
      topic.left(peer);
      if (link.in && undelivered < Infinity) topic.owe(peer, undelivered, now - limits.KEPT_FOR_MS);
      // Also of whoever took no part when last heard: it may have begun to.
      const missingSince = topic.missingSince(peer, soundAt);
      if (missingSince === undefined) continue;
      topic.doubt(missingSince);
      // Other neighbours may have what was lost on the way; who comes later is asked too.
      for (const [other, otherLink] of topic.links) if (otherLink.in) this.#join(topic, other, otherLink);
    }
    this.#carrying.forget(peer);
    this.#windows.delete(peer);
    for (const topic of this.#topics.values()) this.#reconcile(topic);
  }

  /** The neighbour comes from another component of the network; the two were apart for at most so many ms. Called once both ends know. */
  merged(peer: MachineId, apartMs: number): void {
    const parted = this.#parted.get(peer);
    // Until its link was lost the two were one network; and whoever knows as much asks for no more than it needs.
    const apart = parted === undefined ? apartMs : Math.min(apartMs, this.#step.now - parted + limits.DOUBT_MS);
    if (parted === undefined) this.#windows.set(peer, apartMs);
    for (const topic of this.#topics.values()) {
      topic.doubt(this.#step.now - apart);
      const link = topic.links.get(peer);
      if (link?.told !== undefined) this.#join(topic, peer, link);
    }
  }

  /** Parents changed. */
  moved(): void {
    for (const topic of this.#topics.values()) this.#reconcile(topic);
  }

  heard(peer: MachineId, items: readonly TopicItem[]): void {
    for (const item of items) {
      // One of them may have ended it.
      if (!this.#parts.neighbours().has(peer)) return;
      this.#heard(peer, item);
    }
  }

  tick(): void {
    const { now } = this.#step;
    for (const topic of this.#topics.values()) {
      if (topic.publishingUntil !== -Infinity && topic.publishingUntil <= now) {
        topic.publishingUntil = -Infinity;
        this.#reconcile(topic);
      }
      topic.caughtUp(now, (peer) => this.#parts.lazy().awaitedOf(peer) > 0);
      if (topic.doubtSince !== undefined && topic.askedAt === undefined) {
        // Nobody that is left takes part; a doubt that nobody settles would grow old, and what came since look missed.
        for (const [peer, link] of topic.links) this.#join(topic, peer, link);
      } else if (topic.doubtSince !== undefined && now - topic.askedAt! > limits.RECENT_MS) topic.sure();
    }
    this.#withheld.tick();
    for (const topic of this.#idle) if (now - topic.idleSince! >= limits.LINGER_MS) this.#close(topic);
    this.gaps.tick();
  }

  /** The peer cannot have this message from here any more, though it was told of it or should have been. */
  lost(peer: MachineId, id: string): void {
    const { topic, at } = this.#parts.history.trace(id) ?? {};
    if (topic !== undefined && this.#topics.get(topic)?.links.get(peer)?.in) this.gaps.tell(peer, topic, [[id, at!]]);
  }

  /** Sends what was said about topics in this step. */
  flush(): void {
    for (const [peer, items] of this.#said) {
      for (let at = 0; at < items.length; at += MAX_TOPIC_ITEMS) {
        this.#step.send(peer, { kind: 'topics', items: items.slice(at, at + MAX_TOPIC_ITEMS) });
      }
    }
    this.#said.clear();
  }

  #part(peer: MachineId, soundAt: number): void {
    this.#parted.delete(peer);
    this.#parted.set(peer, soundAt);
    if (this.#parted.size > limits.MAX_PARTED) this.#parted.delete(this.#parted.keys().next().value!);
  }

  #heard(peer: MachineId, item: TopicItem): void {
    const topic = this.#topics.get(item.topic);
    if (item.kind === 'join') return this.#joined(peer, item, topic);
    if (!topic) return;
    const link = topic.link(peer);
    if (item.kind === 'leave') {
      this.#carrying.asked(link, peer, 0);
      link.in = false;
      link.grafted = false;
      // It forgot what we told it; that matters only if we need it.
      if (link.told !== 0) this.#carrying.told(link, peer, undefined);
      this.#reconcile(topic);
    } else if (item.kind === 'graft') link.grafted = true;
    else link.grafted = false;
  }

  #joined(peer: MachineId, item: Extract<TopicItem, { kind: 'join' }>, known: Topic | undefined): void {
    // Whoever takes no part has no use for knowing who does, but may have what the other missed.
    const useful = item.asks !== 0 || (item.away > 0 && this.#parts.history.has(item.topic, this.#step.now - item.away));
    if (!known && !useful) return;
    const topic = known ?? (this.#carrying.hasRoom(peer) ? this.#open(item.topic) : undefined);
    if (!topic) return this.#parts.scores().blame(peer, 'greedy');
    if (!known && item.asks === 0) topic.publishingUntil = this.#step.now + limits.PUBLISHER_MS;
    // What those behind us missed we missed for them.
    if (!known && item.away > 0) topic.behind(this.#step.now - item.away);
    const link = topic.link(peer);
    const news = !link.in;
    link.in = true;
    if (item.asks === 0 || link.asks !== 0 || this.#carrying.hasRoom(peer)) this.#carrying.asked(link, peer, item.asks);
    else return this.#parts.scores().blame(peer, 'greedy');
    if (!known && item.away > 0) link.behindSince = -Infinity;
    // It must hear of us also when it was told before it took part.
    if (!item.known) this.#carrying.told(link, peer, undefined);
    this.#reconcile(topic);
    if (news || item.away > 0) this.#recall(peer, topic, news, Math.min(item.away, this.#windows.get(peer) ?? Infinity));
  }

  /** Tells of what came lately, and answers whoever was away. */
  #recall(peer: MachineId, topic: Topic, news: boolean, away: number): void {
    const { history, lazy, linkedAt } = this.#parts;
    const { now } = this.#step;
    const owed = topic.paid(peer);
    const ids = history.since(topic.name, Math.min(now - Math.max(away, limits.RECENT_MS), owed), this.#step.wall);
    const others = ids.filter((id) => history.get(id)!.from !== peer);
    const lostSince = Math.min(away > 0 ? now - away : Infinity, owed);
    if (lostSince < Infinity) {
      const { came, older } = history.gone(topic.name, lostSince, this.#step.wall);
      this.gaps.tell(peer, topic.name, came, older);
    }
    const crossedSince = Math.max(linkedAt(peer), now - limits.CROSSED_MS);
    const crossed = news && topic.targets().eager.includes(peer) ? others.filter((id) => history.get(id)!.at >= crossedSince) : [];
    if (crossed.length > limits.CROSSED) return lazy().offer(peer, others);
    lazy().offer(peer, others.slice(0, others.length - crossed.length));
    for (const id of crossed) this.#step.out({ kind: 'pass', peer, item: history.get(id)!.item, pulled: false });
  }

  #open(name: string): Topic {
    let topic = this.#topics.get(name);
    if (!topic) this.#topics.set(name, (topic = new Topic(name, this.#step.now)));
    return topic;
  }

  #close(topic: Topic): void {
    this.#topics.delete(topic.name);
    this.#idle.delete(topic);
    for (const [peer, link] of topic.links) {
      this.#carrying.told(link, peer, undefined);
      this.#say(peer, { kind: 'leave', topic: topic.name });
    }
  }

  #reconcile(topic: Topic): void {
    const { now } = this.#step;
    if (topic.needed(now)) {
      topic.idleSince = undefined;
      this.#idle.delete(topic);
    } else {
      topic.idleSince ??= now;
      this.#idle.add(topic);
      if (this.#idle.size > limits.MAX_LINGERING) return this.#close(topic);
    }
    for (const peer of this.#parts.neighbours()) this.#reconcileLink(topic, peer);
  }

  /** Tells the neighbour what it should know of us, if it does not. */
  #reconcileLink(topic: Topic, peer: MachineId): void {
    const { now } = this.#step;
    const trees = this.#parts.trees();
    const link = topic.link(peer);
    let asks = 0;
    for (let tree = 0; tree < MAX_TREES; tree++) {
      if (trees.parent(tree) === peer && topic.neededIn(tree, peer, now)) asks |= 1 << tree;
    }
    if (asks !== 0 && !link.told && !this.#carrying.mayAsk(peer)) asks = 0;
    if (link.told === asks || (link.told === undefined && topic.idleSince !== undefined)) return;
    this.#carrying.told(link, peer, asks);
    this.#join(topic, peer, link);
  }

  #join(topic: Topic, peer: MachineId, link: TopicLink): void {
    const since = topic.ask(peer, this.#step.now);
    const away = since === undefined ? 0 : Math.max(1, Math.ceil(this.#step.now - since));
    this.#say(peer, { kind: 'join', topic: topic.name, asks: link.told ?? 0, known: link.in, away });
  }

  #prune(topic: Topic, peer: MachineId): void {
    const link = topic.link(peer);
    if (this.#step.now - link.prunedAt < limits.PRUNE_PAUSE_MS) return;
    link.prunedAt = this.#step.now;
    this.#say(peer, { kind: 'prune', topic: topic.name });
  }

  #graft(topic: Topic, peer: MachineId): void {
    const link = topic.links.get(peer);
    if (!link || topic.isBackbone(link) || this.#step.now - link.graftedAt < limits.PRUNE_PAUSE_MS) return;
    link.graftedAt = this.#step.now;
    this.#say(peer, { kind: 'graft', topic: topic.name });
  }

  #say(peer: MachineId, item: TopicItem): void {
    const said = this.#said.get(peer);
    if (said) said.push(item);
    else this.#said.set(peer, [item]);
  }
}
