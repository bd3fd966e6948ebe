/**
 * HyParView (Leitão, Pereira, Rodrigues 2007): a small active view, symmetric by agreement, repaired from a larger passive one.
 * Beyond the paper: the neighbours that are here longest cannot be pushed out, hosts have shares, and a full node still opens up to a stranger whose
 * tree has another root, so that two full halves of a network find together again.
 */
import { MAX_PEER_ADDRESSES, MAX_WALK } from '@muster/protocol';
import type { MachineId, NeighborPriority, OverlayControl, PeerDescriptor } from '@muster/protocol';
import { remember } from '../remember.ts';
import * as limits from './limits.ts';
import { PassiveView } from './passive-view.ts';
import type { Step } from './types.ts';

interface Linked {
  readonly addresses: readonly string[];
  readonly site: string | undefined;
}

export interface Neighbourhood {
  /** of our own tree: tells components apart */
  root(): MachineId;
  /** not to be pushed out if it can be helped */
  needed(peer: MachineId): boolean;
  up(peer: MachineId): void;
  down(peer: MachineId): void;
}

export class Membership {
  readonly #step: Step<unknown>;
  readonly #around: Neighbourhood;
  readonly #linked = new Map<MachineId, Linked>();
  /** in the order they came */
  readonly #active = new Set<MachineId>();
  /** when each of those came */
  readonly #since = new Map<MachineId, number>();
  /** came in a crowd: the others are still to hear of them */
  readonly #newcomers = new Map<MachineId, PeerDescriptor>();
  readonly #passive: PassiveView;
  /** asked to be neighbours, until when an answer is expected */
  readonly #asked = new Map<MachineId, { readonly until: number; readonly force: boolean }>();
  readonly #dialling = new Map<MachineId, { readonly until: number; readonly force: boolean }>();
  readonly #retryAt = new Map<MachineId, number>();
  readonly #banned = new Map<MachineId, number>();
  /** in a row */
  #slowDials = 0;
  #nextDial = 0;
  #nextMerge = 0;
  #nextFill = 0;

  constructor(step: Step<unknown>, around: Neighbourhood) {
    this.#step = step;
    this.#around = around;
    this.#passive = new PassiveView(step, {
      active: this.#active,
      addressesOf: (peer) => this.#linked.get(peer)?.addresses,
      banned: (peer) => this.#isBanned(peer),
    });
  }

  get active(): ReadonlySet<MachineId> {
    return this.#active;
  }

  get passive(): readonly MachineId[] {
    return this.#passive.peers;
  }

  linkUp(peer: MachineId, addresses: readonly string[], site: string | undefined, dialled: boolean): void {
    const dial = this.#dialling.get(peer);
    this.#dialling.delete(peer);
    this.#passive.forget(peer);
    if (dial) this.#slowDials = 0;
    this.#linked.set(peer, { addresses: addresses.slice(0, MAX_PEER_ADDRESSES), site });
    if (this.#isBanned(peer)) return;
    if (dialled && this.#active.size === 0) {
      this.#asked.set(peer, { until: this.#step.now + limits.ASK_TIMEOUT_MS, force: true });
      return this.#step.send(peer, { kind: 'join' });
    }
    this.#ask(peer, dial?.force ?? false);
  }

  linkDown(peer: MachineId, ended: boolean): void {
    const link = this.#linked.get(peer);
    this.#linked.delete(peer);
    this.#asked.delete(peer);
    this.#leave(peer);
    if (link && !ended) this.#passive.remember({ machine: peer, addresses: link.addresses });
  }

  dialFailed(peer: MachineId): void {
    const dial = this.#dialling.get(peer);
    this.#dialling.delete(peer);
    // No answer for so long: one of the two is too busy, and more attempts would keep it so.
    if (dial && this.#step.now - (dial.until - limits.DIAL_TIMEOUT_MS) >= limits.SLOW_DIAL_MS) {
      const pause = Math.min(limits.MAX_DIAL_PAUSE_MS, limits.DIAL_PAUSE_MS * 2 ** this.#slowDials++);
      this.#nextDial = this.#step.now + pause * (0.5 + this.#step.options.random());
    }
    this.#passive.forget(peer);
  }

  ban(peer: MachineId): void {
    remember(this.#banned, peer, this.#step.now + limits.BAN_MS, limits.MAX_BANNED);
    this.#passive.forget(peer);
    this.#asked.delete(peer);
    this.#leave(peer);
  }

  heard(peer: MachineId, control: OverlayControl): void {
    if (!this.#linked.has(peer) || this.#isBanned(peer)) return;
    switch (control.kind) {
      case 'join':
        return this.#joined(peer);
      case 'forward_join':
        return this.#walked(peer, control.peer, control.hops);
      case 'neighbor':
        return this.#askedFor(peer, control.priority, control.root);
      case 'neighbor_reply':
        return this.#answered(peer, control.accepted);
      case 'disconnect':
        this.#leave(peer);
        this.#asked.delete(peer);
        return this.#retryLater(peer);
      case 'shuffle':
        return this.#passive.shuffled(peer, control);
      case 'shuffle_reply':
        return this.#passive.shuffledBack(peer, control);
    }
  }

  /** It speaks as a neighbour and is none: it must have missed that. */
  notNeighbour(peer: MachineId): void {
    if (this.#linked.has(peer) && !this.#asked.has(peer)) this.#step.send(peer, { kind: 'disconnect' });
  }

  tick(): void {
    const { now } = this.#step;
    for (const waiting of [this.#asked, this.#dialling]) for (const [peer, { until }] of waiting) if (until <= now) waiting.delete(peer);
    for (const until of [this.#retryAt, this.#banned]) for (const [peer, at] of until) if (at <= now) until.delete(peer);
    const [newcomer] = this.#newcomers.values();
    if (newcomer) this.#announce(newcomer);
    if (this.#active.size > limits.ACTIVE_VIEW) this.#pushOut(limits.GUEST_MS);
    if (this.#active.size + this.#asked.size + this.#dialling.size < limits.ACTIVE_VIEW) this.#fill();
    else if (now >= this.#nextMerge && this.#active.size >= limits.ACTIVE_VIEW) {
      this.#nextMerge = now + limits.MERGE_EVERY_MS;
      const stranger = this.#step.pick(this.#idle());
      if (stranger) this.#ask(stranger, false);
    }
    this.#passive.tick();
  }

  get #mayDial(): boolean {
    return this.#dialling.size < limits.DIALS_AT_ONCE && this.#step.now >= this.#nextDial;
  }

  /** Linked, but no neighbours, and free to be asked. */
  #idle(): MachineId[] {
    return [...this.#linked.keys()].filter(
      (peer) => !this.#active.has(peer) && !this.#asked.has(peer) && !this.#retryAt.has(peer) && !this.#banned.has(peer),
    );
  }

  #fill(): void {
    if (this.#active.size > 0) {
      if (this.#step.now < this.#nextFill) return;
      const pause = this.#active.size < limits.ENOUGH ? limits.HASTE_MS : limits.LEISURE_MS;
      this.#nextFill = this.#step.now + pause * (0.75 + this.#step.options.random() / 2);
    }
    const idle = this.#step.pick(this.#idle());
    if (idle) return this.#ask(idle, false);
    if (!this.#mayDial) return;
    const known = this.#step.pick(this.#passive.peers.filter((peer) => !this.#dialling.has(peer) && !this.#retryAt.has(peer)));
    if (known) this.#dial({ machine: known, addresses: this.#passive.addresses(known) }, false);
  }

  #dial({ machine, addresses }: PeerDescriptor, force: boolean): void {
    if (addresses.length === 0) return void this.#passive.forget(machine);
    this.#dialling.set(machine, { until: this.#step.now + limits.DIAL_TIMEOUT_MS, force });
    this.#retryLater(machine);
    this.#step.out({ kind: 'dial', peer: machine, addresses });
  }

  #ask(peer: MachineId, force: boolean): void {
    const full = this.#active.size >= limits.ACTIVE_VIEW && !force;
    const priority = full ? 'merge' : this.#active.size < 2 ? 'high' : 'low';
    this.#asked.set(peer, { until: this.#step.now + limits.ASK_TIMEOUT_MS, force: full || force });
    this.#step.send(peer, { kind: 'neighbor', priority, root: this.#around.root() });
  }

  #joined(peer: MachineId): void {
    // Walks are for newcomers: who is here cannot start more of them.
    const isNew = !this.#active.has(peer);
    const accepted = this.#admit(peer, true);
    this.#step.send(peer, { kind: 'neighbor_reply', accepted });
    if (!accepted || !isNew) return;
    const newcomer = { machine: peer, addresses: this.#linked.get(peer)!.addresses };
    if (this.#active.size > limits.ENOUGH) this.#newcomers.set(peer, newcomer);
    else this.#announce(newcomer);
  }

  #announce(newcomer: PeerDescriptor): void {
    this.#newcomers.delete(newcomer.machine);
    const others = [...this.#active].filter((peer) => peer !== newcomer.machine);
    for (const other of this.#step.sample(others, limits.JOIN_WALKS))
      this.#step.send(other, { kind: 'forward_join', peer: newcomer, hops: MAX_WALK });
  }

  #walked(from: MachineId, newcomer: PeerDescriptor, hops: number): void {
    if (!this.#active.has(from)) return;
    const known = newcomer.machine === this.#step.options.self || this.#active.has(newcomer.machine) || this.#isBanned(newcomer.machine);
    const room = this.#active.size + this.#asked.size + this.#dialling.size < limits.ENOUGH;
    if (!known && (hops === 0 || room)) return this.#approach(newcomer, hops === 0);
    if (!known && hops === limits.PASSIVE_WALK) this.#passive.remember(newcomer);
    if (hops === 0) return;
    const next = this.#step.pick([...this.#active].filter((peer) => peer !== from && peer !== newcomer.machine));
    if (next) this.#step.send(next, { kind: 'forward_join', peer: newcomer, hops: hops - 1 });
    else if (!known) this.#approach(newcomer, true);
  }

  #approach(newcomer: PeerDescriptor, force: boolean): void {
    const { machine } = newcomer;
    if (this.#asked.has(machine) || this.#dialling.has(machine) || this.#retryAt.has(machine)) return;
    if (this.#linked.has(machine)) this.#ask(machine, force);
    else if (!this.#mayDial) this.#passive.remember(newcomer);
    else this.#dial(newcomer, force);
  }

  #askedFor(peer: MachineId, priority: NeighborPriority, root: MachineId): void {
    const stranger = root !== this.#around.root();
    // Both asked: both want it.
    const crossing = this.#asked.get(peer);
    const wanted = crossing !== undefined && (priority !== 'merge' || stranger);
    const accepted =
      this.#active.has(peer) ||
      ((priority !== 'merge' || stranger) && this.#admit(peer, priority === 'high' || stranger || (wanted && crossing.force)));
    this.#step.send(peer, { kind: 'neighbor_reply', accepted });
  }

  #answered(peer: MachineId, accepted: boolean): void {
    const asked = this.#asked.get(peer);
    this.#asked.delete(peer);
    if (!accepted) {
      this.#retryLater(peer);
      if (!this.#active.has(peer)) this.#step.out({ kind: 'release', peer });
    } else if (!this.#active.has(peer) && !(asked && this.#admit(peer, asked.force))) {
      this.#step.send(peer, { kind: 'disconnect' });
    }
  }

  #admit(peer: MachineId, force: boolean): boolean {
    if (this.#active.has(peer)) return true;
    const { site } = this.#linked.get(peer)!;
    const ofSite = [...this.#active].filter((other) => site !== undefined && this.#linked.get(other)?.site === site);
    if (ofSite.length >= limits.ACTIVE_OF_SITE && this.#active.size > ofSite.length) return false;
    if (this.#active.size >= limits.ACTIVE_VIEW) {
      if (!force) return false;
      if (this.#active.size >= limits.ACTIVE_VIEW + limits.GUESTS) this.#pushOut(0);
    }
    this.#asked.delete(peer);
    this.#retryAt.delete(peer);
    this.#active.add(peer);
    this.#since.set(peer, this.#step.now);
    this.#around.up(peer);
    return true;
  }

  /** One of those that stayed so many ms, if there is one. */
  #pushOut(stayed: number): void {
    const free = [...this.#active].slice(limits.PROTECTED).filter((peer) => this.#step.now - this.#since.get(peer)! >= stayed);
    const victim = this.#step.pick(free.filter((peer) => !this.#around.needed(peer))) ?? this.#step.pick(free);
    if (!victim) return;
    // It may know nobody else yet.
    this.#step.send(victim, { kind: 'shuffle_reply', path: [], peers: this.#passive.sample(victim) });
    this.#step.send(victim, { kind: 'disconnect' });
    this.#leave(victim);
    this.#retryLater(victim);
  }

  #leave(peer: MachineId): void {
    this.#since.delete(peer);
    this.#newcomers.delete(peer);
    if (this.#active.delete(peer)) this.#around.down(peer);
  }

  #retryLater(peer: MachineId): void {
    const pause = this.#active.size === 0 ? limits.LONELY_RETRY_MS : limits.RETRY_MS;
    this.#retryAt.set(peer, this.#step.now + pause * (0.5 + this.#step.options.random()));
  }

  #isBanned(peer: MachineId): boolean {
    return this.#banned.has(peer);
  }
}
