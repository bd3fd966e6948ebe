/**
 * Spanning trees of the whole overlay, shared by all topics: interest in a topic travels along them, so that it is always clear who is behind whom.
 * Tree 0 is rooted at the lowest machine id, tree 1 at the highest: one fails while the other stands.
 * Distance vectors with numbers that only the root makes (DSDV, Perkins and Bhagwat 1994): a way is only taken when it is newer, or as new and
 * shorter, so there are no loops at any time.
 */
import { MAX_TREES } from '@muster/protocol';
import type { MachineId, TreeBeacon } from '@muster/protocol';
import { ASKED_BEAT_MS, BEACON_EVERY_MS, MAX_FALLEN_ROOTS, MAX_HOPS, ORPHAN_MS, ROOT_LOST_MS } from './limits.ts';
import type { Step } from './types.ts';

interface Tree {
  /** `a` is the better root of the two */
  readonly better: (a: MachineId, b: MachineId) => boolean;
  root: MachineId;
  seq: number;
  hops: number | null;
  parent: MachineId | undefined;
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
  #rootedAt = 0;
  #beats = 0;
  #nextBeat = 0;
  #askedAt = -Infinity;

  /** `moved` is called when a parent changed. */
  constructor(step: Step<unknown>, neighbours: () => Iterable<MachineId>, moved: () => void) {
    this.#step = step;
    this.#neighbours = neighbours;
    this.#moved = moved;
    const orders = [(a: MachineId, b: MachineId) => a < b, (a: MachineId, b: MachineId) => a > b].slice(0, MAX_TREES);
    this.#trees = orders.map((better) => ({
      better,
      root: step.options.self,
      seq: step.options.epoch,
      hops: 0,
      parent: undefined,
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
  describe(): readonly { readonly root: MachineId; readonly hops: number | null; readonly parent: MachineId | undefined }[] {
    return this.#trees.map(({ root, hops, parent }) => ({ root, hops, parent }));
  }

  up(peer: MachineId): void {
    this.#step.send(peer, this.#beacon());
  }

  down(peer: MachineId): void {
    let changed = false;
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
    for (const tree of this.#trees) {
      if (tree.root === self) continue;
      const lost = now - tree.renewedAt > ROOT_LOST_MS || (tree.orphanSince !== undefined && now - tree.orphanSince > ORPHAN_MS);
      if (!lost) continue;
      this.#fell(tree);
      changed = true;
    }
    if (now >= this.#nextBeat) changed = this.#beat() || changed;
    if (changed) this.#tell();
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
    this.#nextBeat = this.#step.now + BEACON_EVERY_MS;
    this.#beats++;
    const own = this.#trees.filter(({ root }) => root === this.#step.options.self);
    for (const tree of own) tree.seq = this.#number();
    return own.length > 0;
  }

  #number(): number {
    return this.#step.options.epoch + this.#beats;
  }

  #weigh(tree: Tree, peer: MachineId, { root, seq, hops }: TreeBeacon): boolean {
    const { self } = this.#step.options;
    if (root === tree.root && root !== self && peer === tree.parent) {
      // The parent lost its way, or tells of nothing new under an old number.
      if (hops === null || seq < tree.seq) return this.#orphan(tree);
      if (seq === tree.seq && hops + 1 === tree.hops) return false;
      if (hops + 1 > MAX_HOPS || (seq === tree.seq && hops + 1 > tree.hops!)) return this.#orphan(tree);
      return this.#take(tree, peer, seq, hops);
    }
    if (hops === null || hops + 1 > MAX_HOPS || root === self) {
      return peer === tree.parent ? this.#orphan(tree) : false;
    }
    if (seq <= (tree.fallen.get(root) ?? -1)) return peer === tree.parent ? this.#orphan(tree) : false;
    if (tree.better(root, tree.root)) {
      tree.root = root;
      if (tree === this.#trees[0]) this.#rootedAt = this.#step.now;
      return this.#take(tree, peer, seq, hops);
    }
    if (root !== tree.root) return peer === tree.parent ? this.#orphan(tree) : false;
    const shorter = tree.hops === null || hops + 1 < tree.hops;
    // A parent that is a beat behind may only be slow; two beats, and it is worth leaving.
    const feasible = tree.parent === undefined ? seq > tree.seq : (seq >= tree.seq && shorter) || seq > tree.seq + 1;
    return feasible && this.#take(tree, peer, seq, hops);
  }

  #take(tree: Tree, peer: MachineId, seq: number, hops: number): true {
    const moved = tree.parent !== peer;
    tree.parent = peer;
    tree.orphanSince = undefined;
    tree.seq = seq;
    tree.hops = hops + 1;
    tree.renewedAt = this.#step.now;
    if (moved) this.#moved();
    return true;
  }

  /** Another way of the same age that is shorter is free of loops; without one, wait for the root's next number. */
  #orphan(tree: Tree): boolean {
    const { now } = this.#step;
    if (tree.parent === undefined) return false;
    const feasible = [...tree.said]
      .filter(([peer, { root, seq, hops }]) => peer !== tree.parent && root === tree.root && hops !== null && this.#feasible(tree, seq, hops))
      .toSorted(([, a], [, b]) => b.seq - a.seq || a.hops! - b.hops!)[0];
    if (feasible) {
      const [peer, { seq, hops }] = feasible;
      return this.#take(tree, peer, seq, hops!);
    }
    tree.parent = undefined;
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
    tree.fallen.delete(tree.root);
    tree.fallen.set(tree.root, tree.seq);
    if (tree.fallen.size > MAX_FALLEN_ROOTS) tree.fallen.delete(tree.fallen.keys().next().value!);
    Object.assign(tree, { root: self, seq: this.#number(), hops: 0, parent: undefined, orphanSince: undefined, renewedAt: this.#step.now });
    if (tree === this.#trees[0]) this.#rootedAt = this.#step.now;
    // Somebody else may know better already.
    for (const [peer, beacon] of tree.said) this.#weigh(tree, peer, beacon);
    this.#moved();
  }

  #beacon() {
    return { kind: 'beacon', trees: this.#trees.map(({ root, seq, hops }) => ({ root, seq, hops })) } as const;
  }

  #tell(): void {
    const beacon = this.#beacon();
    for (const peer of this.#neighbours()) this.#step.send(peer, beacon);
  }
}
