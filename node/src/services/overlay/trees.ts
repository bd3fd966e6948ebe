/**
 * Spanning trees of the whole overlay, shared by all topics: interest in a topic travels along them, so that it is always clear who is behind whom.
 * Tree 0 is rooted at the lowest machine id, tree 1 at the highest: one fails while the other stands.
 * Distance vectors with numbers that only the root makes (DSDV, Perkins and Bhagwat 1994): a way is only taken when it is newer, or as new and
 * shorter, so there are no loops at any time. Numbers and distances are proven (`roots.ts`). A neighbour is parent in both trees only where there is
 * nobody else: one that says nothing of what it is given then hides nothing.
 */
import { MAX_TREES, ROOT_STEPS } from '@muster/protocol';
import type { MachineId, TreeBeacon } from '@muster/protocol';
import { remember } from '../remember.ts';
import {
  ASKED_BEAT_MS,
  BEACON_EVERY_MS,
  DISTRUSTED_AT,
  HELD_UP_MS,
  HOLD_MS,
  MAX_FALLEN_ROOTS,
  MAX_HOPS,
  ORPHAN_MS,
  ROOT_LOST_MS,
  TELL_TREES_MS,
} from './limits.ts';
import { Roots } from './roots.ts';
import type { Scores } from './scores.ts';
import type { Step } from './types.ts';

interface Tree {
  /** `a` is the better root of the two */
  readonly better: (a: MachineId, b: MachineId) => boolean;
  root: MachineId;
  seq: number;
  hops: number | null;
  /** of `seq` and `hops`; undefined while this node is the root and cannot prove it yet */
  proof: Uint8Array | undefined;
  parent: MachineId | undefined;
  /** since when a beat of the parent waits for others to tell of it */
  heldSince: number | undefined;
  /** when `seq` last grew, and since when there is no parent */
  renewedAt: number;
  orphanSince: number | undefined;
  /** what neighbours said last */
  readonly said: Map<MachineId, TreeBeacon>;
  /** roots that fell silent, with the last number they gave */
  readonly fallen: Map<MachineId, number>;
}

export class Trees {
  readonly #step: Step<unknown>;
  readonly #neighbours: () => Iterable<MachineId>;
  readonly #moved: () => void;
  readonly #trees: readonly Tree[];
  readonly #scores: () => Scores;
  readonly roots: Roots;
  #rootedAt = 0;
  #tickedAt = 0;
  #nextBeat = 0;
  #askedAt = -Infinity;
  /** when all are told of what changed */
  #tellAt = Infinity;

  /** `moved` is called when a parent changed. */
  constructor(step: Step<unknown>, neighbours: () => Iterable<MachineId>, scores: () => Scores, moved: () => void) {
    this.#step = step;
    this.#neighbours = neighbours;
    this.#scores = scores;
    this.#moved = moved;
    this.roots = new Roots(step, {
      scores,
      wanted: (root) => this.#trees.some((tree) => root === tree.root || tree.better(root, tree.root)),
      known: (root) => this.#weighAgain(root),
      ready: () => {
        if (this.#own.some(({ proof }) => !proof) && this.#beat()) this.#tell();
      },
    });
    const orders = [(a: MachineId, b: MachineId) => a < b, (a: MachineId, b: MachineId) => a > b].slice(0, MAX_TREES);
    this.#trees = orders.map((better) => ({
      better,
      root: step.options.self,
      seq: step.options.epoch,
      hops: 0,
      proof: undefined,
      parent: undefined,
      heldSince: undefined,
      renewedAt: 0,
      orphanSince: undefined,
      said: new Map(),
      fallen: new Map(),
    }));
  }

  /** tells the network's components apart */
  get root(): MachineId {
    return this.#trees[0]!.root;
  }

  /** when tree 0 got the root it has */
  get rootedAt(): number {
    return this.#rootedAt;
  }

  /** ms */
  get rootAge(): number {
    return this.#step.now - this.#rootedAt;
  }

  /** It said where it stands since it came up. */
  knows(peer: MachineId): boolean {
    return this.#trees[0]!.said.has(peer);
  }

  parent(tree: number): MachineId | undefined {
    return this.#trees[tree]!.parent;
  }

  isParent(peer: MachineId): boolean {
    return this.#trees.some(({ parent }) => parent === peer);
  }

  /** for tests and for whoever looks at the network */
  describe(): readonly Pick<Tree, 'root' | 'seq' | 'hops' | 'parent'>[] {
    return this.#trees.map(({ root, seq, hops, parent }) => ({ root, seq, hops, parent }));
  }

  up(peer: MachineId): void {
    this.roots.up(peer);
    if (this.#own.length > 0) this.roots.prepare();
    this.#say(peer);
  }

  down(peer: MachineId): void {
    let changed = false;
    this.roots.down(peer);
    for (const tree of this.#trees) {
      tree.said.delete(peer);
      if (tree.parent !== peer) continue;
      this.#orphan(tree);
      changed = true;
    }
    if (changed) this.#tell();
  }

  heard(peer: MachineId, beacons: readonly TreeBeacon[]): void {
    let changed = false;
    for (const [index, tree] of this.#trees.entries()) {
      const beacon = beacons[index];
      if (!beacon) continue;
      tree.said.set(peer, beacon);
      changed = this.#weigh(tree, peer, beacon) || changed;
    }
    if (changed) this.#tell();
  }

  tick(): void {
    const { now } = this.#step;
    const { self } = this.#step.options;
    let changed = false;
    // What was said while this process was held up waits unread: that time is held against no root.
    const heldUp = Math.max(0, now - this.#tickedAt - HELD_UP_MS);
    this.#tickedAt = now;
    for (const tree of this.#trees) {
      tree.renewedAt += heldUp;
      if (tree.orphanSince !== undefined) tree.orphanSince += heldUp;
      if (tree.heldSince !== undefined && now - tree.heldSince >= HOLD_MS) {
        const { parent } = tree;
        const beacon = parent && tree.said.get(parent);
        changed = (beacon !== undefined && this.#weigh(tree, parent!, beacon)) || changed;
      }
      if (tree.root === self) continue;
      const lost = now - tree.renewedAt > ROOT_LOST_MS || (tree.orphanSince !== undefined && now - tree.orphanSince > ORPHAN_MS);
      if (!lost) continue;
      this.#fell(tree);
      changed = true;
    }
    if (changed) this.#tell();
  }

  /** when there is something to do */
  get due(): number {
    const { self } = this.#step.options;
    return Math.min(this.#tellAt, this.#trees.some(({ root }) => root === self) ? this.#nextBeat : Infinity);
  }

  flush(): void {
    const { now } = this.#step;
    if (now >= this.#nextBeat && this.#beat()) this.#tell();
    if (now < this.#tellAt) return;
    this.#tellAt = Infinity;
    const beacon = this.#beacon();
    for (const peer of this.#neighbours()) this.#say(peer, beacon);
  }

  /** Somebody lost its way: a root beats at once, others pass it on towards the roots. */
  asked(from: MachineId): void {
    const { now } = this.#step;
    if (now - this.#askedAt < ASKED_BEAT_MS) return;
    this.#askedAt = now;
    if (this.#beat()) this.#tell();
    for (const parent of new Set(this.#trees.map((tree) => tree.parent))) {
      if (parent !== undefined && parent !== from) this.#step.send(parent, { kind: 'beat' });
    }
  }

  #beat(): boolean {
    const { now, wall } = this.#step;
    // On the second, where clocks agree: what both roots say then travels together.
    const next = BEACON_EVERY_MS - (wall % BEACON_EVERY_MS);
    this.#nextBeat = now + (next < ASKED_BEAT_MS ? next + BEACON_EVERY_MS : next);
    const own = this.#own;
    // Alone, nobody hears it.
    const beat = own.length > 0 && [...this.#neighbours()].length > 0 ? this.roots.next() : undefined;
    for (const tree of own) Object.assign(tree, beat ?? { proof: undefined });
    return beat !== undefined;
  }

  /** Those that this node is the root of. */
  get #own(): readonly Tree[] {
    return this.#trees.filter(({ root }) => root === this.#step.options.self);
  }

  #weighAgain(root: MachineId): void {
    let changed = false;
    for (const tree of this.#trees) {
      for (const [peer, beacon] of tree.said) if (beacon.root === root) changed = this.#weigh(tree, peer, beacon) || changed;
    }
    if (changed) this.#tell();
  }

  #weigh(tree: Tree, peer: MachineId, beacon: TreeBeacon): boolean {
    const { self } = this.#step.options;
    const { root, seq, hops } = beacon;
    const isParent = peer === tree.parent;
    if (root === tree.root && root !== self && isParent) {
      // The parent lost its way, or tells of nothing new under an old number.
      if (hops === null || seq < tree.seq) return this.#orphan(tree);
      if (seq === tree.seq && hops + 1 === tree.hops) return false;
      if (hops + 1 > MAX_HOPS || (seq === tree.seq && hops + 1 > tree.hops!)) return this.#orphan(tree);
      return !this.#holds(tree, peer) && this.#take(tree, peer, beacon);
    }
    if (hops === null || hops + 1 > MAX_HOPS || root === self) return isParent ? this.#orphan(tree) : false;
    if (seq <= (tree.fallen.get(root) ?? -1)) return isParent ? this.#orphan(tree) : false;
    if (tree.better(root, tree.root)) return this.#take(tree, peer, beacon);
    if (root !== tree.root) return isParent ? this.#orphan(tree) : false;
    return this.#isWorth(tree, peer, seq, hops) && this.#take(tree, peer, beacon);
  }

  /** A way to the same root by another neighbour. */
  #isWorth(tree: Tree, peer: MachineId, seq: number, hops: number): boolean {
    if (tree.parent === undefined) return seq > tree.seq;
    // A parent that is a beat behind may only be slow; two beats, and it is worth leaving.
    if (seq > tree.seq + 1) return true;
    const [doubtsParent, doubtsPeer] = [this.#doubts(tree, tree.parent), this.#doubts(tree, peer)];
    if (doubtsParent && !doubtsPeer) return this.#feasible(tree, seq, hops);
    return seq >= tree.seq && (tree.hops === null || hops + 1 < tree.hops) && (doubtsParent || !doubtsPeer);
  }

  /** Not to be the parent where somebody else can. */
  #doubts(tree: Tree, peer: MachineId): boolean {
    return (tree !== this.#trees[0] && peer === this.#trees[0]!.parent) || this.#scores().of(peer) >= DISTRUSTED_AT;
  }

  /** A doubted parent's beat waits a moment: by the same beat another, that is as near and does not wait for us in turn, may take its place. */
  #holds(tree: Tree, parent: MachineId): boolean {
    const { now, options } = this.#step;
    const isOther = ([peer, { root, hops, seq }]: [MachineId, TreeBeacon]): boolean =>
      peer < options.self && root === tree.root && hops === tree.hops && seq >= tree.seq - 1 && !this.#doubts(tree, peer);
    if (!this.#doubts(tree, parent) || ![...tree.said].some(isOther)) return false;
    tree.heldSince ??= now;
    return now - tree.heldSince < HOLD_MS;
  }

  /** True when it did: what was said is proven. */
  #take(tree: Tree, peer: MachineId, beacon: TreeBeacon): boolean {
    const { root, seq, hops, proof } = beacon;
    if (hops === null || !this.roots.proves(peer, beacon)) return false;
    if (root !== tree.root && tree === this.#trees[0]) this.#rootedAt = this.#step.now;
    const moved = tree.parent !== peer;
    Object.assign(tree, { root, seq, hops: hops + 1, parent: peer, heldSince: undefined, orphanSince: undefined, renewedAt: this.#step.now });
    tree.proof = hops + 1 < ROOT_STEPS ? this.#step.options.roots.down(proof, 1) : proof;
    if (moved) this.#moved();
    return true;
  }

  /** Another way of the same age that is shorter is free of loops; without one, wait for the root's next number. */
  #orphan(tree: Tree): boolean {
    const { now } = this.#step;
    if (tree.parent === undefined) return false;
    const feasible = [...tree.said]
      .filter(([peer, { root, seq, hops }]) => peer !== tree.parent && root === tree.root && hops !== null && this.#feasible(tree, seq, hops))
      .toSorted(([p, a], [q, b]) => Number(this.#doubts(tree, p)) - Number(this.#doubts(tree, q)) || b.seq - a.seq || a.hops! - b.hops!);
    if (feasible.some(([peer, beacon]) => this.#take(tree, peer, beacon))) return true;
    tree.parent = undefined;
    tree.heldSince = undefined;
    tree.orphanSince = now;
    tree.hops = null;
    this.#moved();
    for (const [peer, { root, hops }] of tree.said) if (root === tree.root && hops !== null) this.#step.send(peer, { kind: 'beat' });
    return true;
  }

  #feasible(tree: Tree, seq: number, hops: number): boolean {
    return seq > tree.seq || (seq === tree.seq && tree.hops !== null && hops < tree.hops);
  }

  #fell(tree: Tree): void {
    const { self } = this.#step.options;
    remember(tree.fallen, tree.root, tree.seq, MAX_FALLEN_ROOTS);
    const alone = { root: self, hops: 0, proof: undefined, parent: undefined, heldSince: undefined, orphanSince: undefined };
    Object.assign(tree, { ...alone, renewedAt: this.#step.now });
    if (tree === this.#trees[0]) this.#rootedAt = this.#step.now;
    // Somebody else may know better already.
    for (const [peer, beacon] of tree.said) this.#weigh(tree, peer, beacon);
    if (tree.root === self) Object.assign(tree, this.roots.next());
    this.#moved();
  }

  #beacon() {
    const trees = this.#trees.map(({ root, seq, hops, proof }): TreeBeacon => {
      return hops === null || !proof ? { root, seq, hops: null, proof: null } : { root, seq, hops, proof };
    });
    return { kind: 'beacon', trees } as const;
  }

  #say(peer: MachineId, beacon = this.#beacon()): void {
    for (const { root, hops } of beacon.trees) if (hops !== null) this.roots.give(peer, root);
    this.#step.send(peer, beacon);
  }

  /** All neighbours hear of it, with what else changes within a moment. */
  #tell(): void {
    this.#tellAt = Math.min(this.#tellAt, this.#step.now + TELL_TREES_MS);
  }
}
