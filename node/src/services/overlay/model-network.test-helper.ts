/** A network of overlay machines in memory, on virtual time. Links keep order and lose what is on its way when they are cut. */
import { ROOT_BEATS, ROOT_STEPS } from '@muster/protocol';
import type { MachineId, OverlayControl, RootAnchor, RootChain } from '@muster/protocol';
import { OverlayMachine } from './machine.ts';
import type { Item, OverlayEffect, OverlayEvent, RootHashes } from './types.ts';

export interface Parcel {
  readonly id: string;
  readonly forged: boolean;
}
type Event = OverlayEvent<Parcel>;
type Bare<T> = T extends unknown ? Omit<T, 'now' | 'wall'> : never;
export type BareEvent = Bare<Event>;

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** ms that a published message is good for */
export const LIFE = 330_000;

export class ModelNode {
  readonly id: MachineId;
  readonly machine: OverlayMachine<Parcel>;
  /** message ids by topic, in the order they were delivered */
  readonly delivered = new Map<string, string[]>();
  readonly missed: { readonly topic: string; readonly count: number }[] = [];
  readonly cuts: string[] = [];
  readonly banned = new Set<MachineId>();
  readonly seen = new Set<string>();
  readonly subscribed = new Set<string>();
  readonly counts = { passed: 0, verified: 0, duplicate: 0, controls: 0, checked: 0 };
  alive = true;
  /** takes everything, and passes on no message, id or interest */
  swallows = false;
  /** ms that its clock is wrong by */
  skew = 0;
  /** there is one timer: the last that was set */
  timerAt = 0;
  /** what happens to it while its process stands still */
  held: BareEvent[] | undefined;

  constructor(id: MachineId, random: () => number, epoch: number, siteOf: (addresses: readonly string[]) => string | undefined) {
    this.id = id;
    this.machine = new OverlayMachine({ self: id, random, epoch, seen: (message) => this.seen.has(message), roots: modelRoots, siteOf });
  }

  got(topic: string): string[] {
    return this.delivered.get(topic) ?? [];
  }
}

/** Stands for hashes and signatures: a link says whose it is and how far up, and a good signature says so. */
export const modelRoots: RootHashes = {
  of: ({ key }) => Buffer.from(key).toString('hex') as MachineId,
  name: ({ key, first, issued, signature }) => `${Buffer.from(key).toString('hex')} ${first} ${issued} ${signature[0]}`,
  down: (link, steps) => modelLink(link, new DataView(link.buffer, link.byteOffset).getUint32(32) - steps),
};

export function modelLink(root: Uint8Array, index: number): Uint8Array {
  const link = new Uint8Array(36);
  link.set(root.subarray(0, 32));
  new DataView(link.buffer).setUint32(32, index);
  return link;
}

export function modelChain(root: MachineId, first: number, issued: number): RootChain {
  const key = Uint8Array.from(Buffer.from(root, 'hex'));
  const anchor: RootAnchor = { key, first, issued, end: modelLink(key, 0), signature: Uint8Array.of(1) };
  return { anchor, beats: Array.from({ length: ROOT_BEATS }, (_, beat) => modelLink(key, ROOT_STEPS * (beat + 1))) };
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export interface ModelOptions {
  readonly seed: number;
  /** ms that one hop takes at most */
  readonly delay?: number;
  /** share of whole messages that find no room */
  readonly unsent?: number;
  /** share of whole messages that are lost without anyone noticing */
  readonly lost?: number;
}

export class ModelNetwork {
  readonly random: () => number;
  readonly nodes = new Map<MachineId, ModelNode>();
  /** hosts that one party uses, by machine */
  readonly sites = new Map<string, string>();
  readonly #options: Required<ModelOptions>;
  /** both ends, joined; the number tells one link from the next between the same two */
  readonly #links = new Map<string, number>();
  readonly #heap: Due[] = [];
  readonly #arrivesAt = new Map<string, number>();
  /** ways on which no whole message gets through, and since when some wait */
  readonly #stuck = new Map<string, { since: number }>();
  /** by way: when what arrived last had been sent */
  readonly #soundAt = new Map<string, number>();
  readonly #blocked = new Set<string>();
  #order = 0;
  #count = 0;
  #generation = 0;
  now = 1_000;
  /** gets what neighbours say to one another */
  overheard: ((control: OverlayControl) => void) | undefined;

  constructor(options: ModelOptions) {
    this.#options = { delay: 20, unsent: 0, lost: 0, ...options };
    this.random = seeded(options.seed);
  }

  add(): ModelNode {
    const id = Array.from({ length: 8 }, () =>
      Math.floor(this.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('') as MachineId;
    const node = new ModelNode(id, this.random, 1_700_000_000_000 + this.now, ([address = '']) => this.sites.get(address));
    this.nodes.set(id, node);
    this.feed(node, { kind: 'timer' });
    return node;
  }

  /** A dials B by hand, as a bootstrap peer. */
  link(a: ModelNode, b: ModelNode): void {
    const key = pair(a.id, b.id);
    if (!a.alive || !b.alive || a === b || this.#links.has(key) || this.#blocked.has(key) || a.banned.has(b.id) || b.banned.has(a.id)) return;
    this.#links.set(key, ++this.#generation);
    for (const way of [`${a.id}>${b.id}`, `${b.id}>${a.id}`]) this.#soundAt.set(way, this.now);
    for (const [node, peer, dialled] of [
      [a, b, true],
      [b, a, false],
    ] as const) {
      this.feed(node, { kind: 'link_up', peer: peer.id, addresses: [peer.id], site: this.sites.get(peer.id), dialled });
    }
  }

  linked(a: ModelNode, b: ModelNode): boolean {
    return this.#links.has(pair(a.id, b.id));
  }

  cut(a: ModelNode, b: ModelNode): void {
    if (!this.#links.delete(pair(a.id, b.id))) return;
    for (const [node, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      const soundAt = Math.min(this.#soundAt.get(`${a.id}>${b.id}`)!, this.#soundAt.get(`${b.id}>${a.id}`)!);
      const waiting = this.#stuck.get(`${node.id}>${peer.id}`)?.since ?? Infinity;
      if (node.alive) this.feed(node, { kind: 'link_down', peer: peer.id, ended: false, soundAt: Math.min(soundAt, waiting) });
    }
  }

  /** Nothing passes between the two halves until `heal`. */
  split(half: readonly ModelNode[]): void {
    for (const a of half) for (const b of this.nodes.values()) if (!half.includes(b)) this.block(a, b);
  }

  /** Nothing passes between the two until `heal`. */
  block(a: ModelNode, b: ModelNode): void {
    this.#blocked.add(pair(a.id, b.id));
    this.cut(a, b);
  }

  heal(): void {
    this.#blocked.clear();
    this.#stuck.clear();
  }

  /** Whole messages wait in the queue of the sender, and what is said beside them overtakes them; until `heal`. */
  jam(from: ModelNode, to: ModelNode): void {
    this.#stuck.set(`${from.id}>${to.id}`, { since: Infinity });
  }

  /** Its process stands still: what comes in waits, also the news that a link is gone. */
  pause(node: ModelNode): void {
    node.held = [];
  }

  resume(node: ModelNode): void {
    const { held = [] } = node;
    node.held = undefined;
    for (const event of held) this.feed(node, event);
  }

  kill(node: ModelNode): void {
    node.alive = false;
    for (const other of this.nodes.values()) this.cut(node, other);
    this.nodes.delete(node.id);
  }

  publish(node: ModelNode, topic: string, life = LIFE): string {
    const id = (++this.#count).toString(16).padStart(64, '0');
    const item: Item<Parcel> = { id, topic, issued: this.now, expires: this.now + life, size: 100, internal: false, content: { id, forged: false } };
    node.seen.add(id);
    if (node.subscribed.has(topic)) this.#deliver(node, topic, id);
    this.feed(node, { kind: 'publish', item });
    return id;
  }

  subscribe(node: ModelNode, topic: string): void {
    node.subscribed.add(topic);
    this.feed(node, { kind: 'subscribe', topic });
  }

  unsubscribe(node: ModelNode, topic: string): void {
    node.subscribed.delete(topic);
    this.feed(node, { kind: 'unsubscribe', topic });
  }

  /** Sends something by the link from `from` to `to`, honest or not; what was sent before arrives before. */
  send(from: ModelNode, to: MachineId, event: BareEvent): void {
    const key = pair(from.id, to);
    const generation = this.#links.get(key);
    if (generation === undefined) return;
    const way = `${from.id}>${to}`;
    const stuck = this.#stuck.get(way);
    if (stuck && event.kind === 'message') return void (stuck.since = Math.min(stuck.since, this.now));
    const at = Math.max(this.now + this.random() * this.#options.delay, this.#arrivesAt.get(way) ?? 0);
    this.#arrivesAt.set(way, at);
    const sentAt = this.now;
    this.after(at - this.now, () => {
      const target = this.nodes.get(to);
      if (!target || this.#links.get(key) !== generation) return;
      this.#soundAt.set(way, sentAt);
      this.feed(target, event);
    });
  }

  after(ms: number, run: () => void): void {
    push(this.#heap, { at: this.now + ms, order: this.#order++, run });
  }

  run(ms: number): void {
    const end = this.now + ms;
    for (let next = this.#heap[0]; next && next.at <= end; next = this.#heap[0]) {
      pop(this.#heap);
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = end;
  }

  /** Runs until it holds; false when it did not within `ms`. */
  runUntil(condition: () => boolean, ms: number): boolean {
    for (const end = this.now + ms; this.now < end;) {
      if (condition()) return true;
      this.run(100);
    }
    return condition();
  }

  feed(node: ModelNode, bare: BareEvent): void {
    if (!node.alive) return;
    if (node.held) return void node.held.push(bare);
    const effects = node.machine.step({ ...bare, now: this.now, wall: this.now + node.skew } as Event);
    for (const effect of effects) this.#apply(node, effect);
  }

  #apply(node: ModelNode, effect: OverlayEffect<Parcel>): void {
    if (node.swallows && (effect.kind === 'pass' || effect.kind === 'tell')) return;
    switch (effect.kind) {
      case 'send':
        node.counts.controls++;
        this.overheard?.(effect.control);
        return this.send(node, effect.peer, { kind: 'control', peer: node.id, control: effect.control });
      case 'tell':
        return this.send(node, effect.peer, { kind: effect.what, peer: node.id, ids: effect.ids });
      case 'pass': {
        const { item, peer } = effect;
        if (this.random() < this.#options.unsent) {
          return this.after(0, () => this.feed(node, { kind: 'unsent', peer, ids: [item.id] }));
        }
        node.counts.passed++;
        if (this.random() < this.#options.lost) return;
        return this.send(node, peer, { kind: 'message', peer: node.id, item: { ...item, content: { ...item.content } } });
      }
      case 'verify':
        node.counts.verified++;
        return this.after(this.random() * 5, () => {
          const { content } = effect;
          const verdict = content.forged ? 'forged' : node.seen.has(content.id) ? 'unwanted' : 'good';
          if (verdict === 'good') node.seen.add(content.id);
          this.feed(node, { kind: 'verified', content, verdict });
        });
      case 'outcome':
        if (effect.outcome === 'duplicate') node.counts.duplicate++;
        if (effect.outcome === 'accepted' && effect.local) this.#deliver(node, undefined, effect.content.id);
        return;
      case 'missed':
        return void node.missed.push(effect);
      case 'dial':
        return this.after(this.random() * this.#options.delay * 2, () => {
          const target = this.nodes.get(effect.peer);
          if (target && !this.linked(node, target)) this.link(node, target);
          if (!target || !this.linked(node, target)) this.feed(node, { kind: 'dial_failed', peer: effect.peer });
        });
      case 'cut':
        node.cuts.push(`${effect.peer}:${effect.reason}`);
        node.banned.add(effect.peer);
        return this.after(0, () => {
          const target = this.nodes.get(effect.peer);
          if (target) this.cut(node, target);
        });
      case 'sign_root':
        return this.after(this.random() * 5, () => this.feed(node, { kind: 'root_signed', chain: modelChain(node.id, effect.first, this.now) }));
      case 'check_root':
        node.counts.checked++;
        return this.after(this.random() * 5, () => {
          this.feed(node, { kind: 'root_checked', anchor: effect.anchor, good: effect.anchor.signature[0] === 1 });
        });
      case 'set_timer':
        node.timerAt = effect.at;
        return this.after(effect.at - this.now, () => {
          if (node.timerAt === effect.at) this.feed(node, { kind: 'timer' });
        });
      case 'release':
    }
  }

  #deliver(node: ModelNode, topic: string | undefined, id: string): void {
    const name = topic ?? node.machine.history.get(id)!.item.topic;
    const got = node.delivered.get(name);
    if (got) got.push(id);
    else node.delivered.set(name, [id]);
  }
}

const pair = (a: string, b: string): string => (a < b ? `${a}-${b}` : `${b}-${a}`);

const before = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Due[], due: Due): void {
  heap.push(due);
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(due, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = due;
}

function pop(heap: Due[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
