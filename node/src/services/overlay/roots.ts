/**
 * Whose beats are true: the anchors of the roots that matter here, what neighbours gave of them and were given, and the chain of this node's own beats.
 * A beat counts when it is under a signed anchor of its root, at the distance that it claims, and fresh; so nobody can invent a root, repeat an old
 * beat, or be nearer than whom it heard.
 */
import { bytesEqual, CLOCK_SKEW_MS, ROOT_BEATS, rootLink } from '@muster/protocol';
import type { MachineId, RootAnchor, RootChain, TreeBeacon } from '@muster/protocol';
import { remember } from '../remember.ts';
import * as limits from './limits.ts';
import type { Scores } from './scores.ts';
import type { Step } from './types.ts';

interface Known {
  readonly name: string;
  readonly anchor: RootAnchor;
  /** the farthest link up that was shown */
  link: Uint8Array;
  index: number;
}

interface Given {
  readonly name: string;
  readonly root: MachineId;
  readonly anchor: RootAnchor;
}

interface Own {
  readonly chain: RootChain;
  /** when it was signed */
  readonly at: number;
}

interface Neighbour {
  /** as it gave them, not verified yet, oldest first */
  readonly offered: Given[];
  /** names of those that both know, oldest first */
  readonly shared: string[];
  /** verifications it may cause yet */
  credit: number;
  creditAt: number;
}

export interface RootsParts {
  readonly scores: () => Scores;
  /** somebody here would follow that root */
  readonly wanted: (root: MachineId) => boolean;
  /** beats of this root can be judged now */
  readonly known: (root: MachineId) => void;
  /** this node can beat now */
  readonly ready: () => void;
}

export class Roots {
  readonly #step: Step<unknown>;
  readonly #parts: RootsParts;
  /** by root, at most two each, the newest last; the root that was used last is last */
  readonly #known = new Map<MachineId, Known[]>();
  /** by name: who gave it */
  readonly #checking = new Map<string, Given & { readonly peers: Set<MachineId> }>();
  readonly #neighbours = new Map<MachineId, Neighbour>();
  #own: Own | undefined;
  #following: Own | undefined;
  #used = 0;
  #first = 0;
  #signing = false;

  constructor(step: Step<unknown>, parts: RootsParts) {
    this.#step = step;
    this.#parts = parts;
  }

  /** Has a chain made in time for the first beat. */
  prepare(): void {
    this.#renew();
    if (!this.#own && !this.#following) this.#sign();
  }

  /** The next beat of this node; undefined while its anchor is being signed: `ready` is called then. */
  next(): { readonly seq: number; readonly proof: Uint8Array } | undefined {
    this.#renew();
    const left = this.#own ? ROOT_BEATS - this.#used : 0;
    if (left <= limits.ROOT_RENEW_BEATS && !this.#following) this.#sign();
    if (!this.#own) return undefined;
    const { anchor, beats } = this.#own.chain;
    const beat = this.#used++;
    return { seq: anchor.first + beat, proof: beats[beat]! };
  }

  signed(chain: RootChain): void {
    this.#signing = false;
    this.#following = { chain, at: this.#step.now };
    this.#parts.ready();
  }

  up(peer: MachineId): void {
    this.#neighbours.set(peer, { offered: [], shared: [], credit: limits.ROOT_CHECKS, creditAt: this.#step.now });
  }

  down(peer: MachineId): void {
    this.#neighbours.delete(peer);
  }

  /** Gives the neighbour what it needs to judge beats of that root. */
  give(peer: MachineId, root: MachineId): void {
    const neighbour = this.#neighbours.get(peer);
    for (const { name, anchor } of root === this.#step.options.self ? this.#owned() : (this.#known.get(root) ?? [])) {
      if (!neighbour || neighbour.shared.includes(name) || !this.#isFresh(anchor)) continue;
      keep(neighbour.shared, name);
      this.#step.send(peer, { kind: 'root', anchor });
    }
  }

  heard(peer: MachineId, anchor: RootAnchor): void {
    const neighbour = this.#neighbours.get(peer);
    const { roots, self } = this.#step.options;
    const given = { name: roots.name(anchor), root: roots.of(anchor), anchor };
    if (!neighbour || given.root === self || !this.#isFresh(anchor) || neighbour.shared.includes(given.name)) return;
    if (this.#known.get(given.root)?.some(({ name }) => name === given.name)) return keep(neighbour.shared, given.name);
    keep(neighbour.offered, given);
    if (this.#parts.wanted(given.root)) this.#check(peer, neighbour, given);
  }

  checked(anchor: RootAnchor, good: boolean): void {
    const { roots } = this.#step.options;
    const checking = this.#checking.get(roots.name(anchor));
    if (!checking) return;
    const { name, root, peers } = checking;
    this.#checking.delete(name);
    for (const peer of peers) {
      const neighbour = this.#neighbours.get(peer);
      if (!neighbour) continue;
      const offered = neighbour.offered.findIndex((given) => given.name === name);
      if (offered >= 0) neighbour.offered.splice(offered, 1);
      if (good) keep(neighbour.shared, name);
      else this.#parts.scores().blame(peer, 'forged');
    }
    if (!good) return;
    const known = [...(this.#known.get(root) ?? []), { name, anchor, link: anchor.end, index: 0 }];
    remember(this.#known, root, known.toSorted((a, b) => a.anchor.first - b.anchor.first).slice(-2), limits.MAX_ROOTS);
    this.#parts.known(root);
  }

  /** Is it true that the peer is where it says? A lie is held against it. */
  proves(peer: MachineId, { root, seq, hops, proof }: TreeBeacon): boolean {
    const neighbour = this.#neighbours.get(peer);
    if (!neighbour || hops === null) return false;
    const isUnder = ({ anchor }: { anchor: RootAnchor }): boolean => anchor.first <= seq && seq < anchor.first + ROOT_BEATS && this.#isFresh(anchor);
    let lied = false;
    for (const known of this.#known.get(root) ?? []) {
      if (!isUnder(known)) continue;
      if (this.#leadsTo(known, rootLink(seq - known.anchor.first, hops), proof)) return true;
      lied ||= neighbour.shared.includes(known.name);
    }
    const offered = neighbour.offered.find((given) => given.root === root && isUnder(given));
    if (offered) this.#check(peer, neighbour, offered);
    else if (lied) this.#parts.scores().blame(peer, 'forged');
    return false;
  }

  /** What is used up or too old gives way to what follows. */
  #renew(): void {
    const isOld = (own: Own): boolean => this.#step.now - own.at > limits.ROOT_USED_MS;
    if (this.#following && isOld(this.#following)) this.#following = undefined;
    if (this.#own && this.#used < ROOT_BEATS && !isOld(this.#own)) return;
    this.#own = this.#following;
    this.#following = undefined;
    this.#used = 0;
  }

  *#owned(): Generator<Pick<Known, 'name' | 'anchor'>> {
    for (const own of [this.#own, this.#following]) {
      if (own) yield { name: this.#step.options.roots.name(own.chain.anchor), anchor: own.chain.anchor };
    }
  }

  #sign(): void {
    if (this.#signing) return;
    this.#signing = true;
    this.#first = Math.max(this.#first + ROOT_BEATS, this.#step.options.epoch);
    this.#step.out({ kind: 'sign_root', first: this.#first });
  }

  #isFresh({ issued }: RootAnchor): boolean {
    const age = this.#step.wall - issued;
    return age >= -CLOCK_SKEW_MS && age <= limits.ROOT_GOOD_MS + CLOCK_SKEW_MS;
  }

  #check(peer: MachineId, neighbour: Neighbour, given: Given): void {
    const checking = this.#checking.get(given.name);
    if (checking) return void checking.peers.add(peer);
    const { now } = this.#step;
    neighbour.credit = Math.min(limits.ROOT_CHECKS, neighbour.credit + ((now - neighbour.creditAt) / 1_000) * limits.ROOT_CHECKS_PER_S);
    neighbour.creditAt = now;
    if (neighbour.credit < 1) return this.#parts.scores().blame(peer, 'greedy');
    neighbour.credit--;
    this.#checking.set(given.name, { ...given, peers: new Set([peer]) });
    this.#step.out({ kind: 'check_root', anchor: given.anchor });
  }

  #leadsTo(known: Known, index: number, link: Uint8Array): boolean {
    const { down } = this.#step.options.roots;
    if (index <= known.index) return bytesEqual(down(known.link, known.index - index), link);
    if (!bytesEqual(down(link, index - known.index), known.link)) return false;
    Object.assign(known, { link, index });
    return true;
  }
}

function keep<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > limits.ROOTS_OF_PEER) list.shift();
}
