/**
 * The overlay as a pure state machine: HyParView membership, shared trees for interest, PlumTree for each topic. No I/O, no clock, no chance of its
 * own: events in, effects out.
 */
import type { MachineId, OverlayControl } from '@muster/protocol';
import { History } from './history.ts';
import { Intake } from './intake.ts';
import { Lazy } from './lazy.ts';
import { BROKEN, BUSY_ARRIVALS, BUSY_PENDING, BUSY_WITHIN_MS, RECENT_MS, ROOT_LOST_MS, TICK_MS, TOLD_ALL_MS } from './limits.ts';
import { Membership } from './membership.ts';
import { Scores } from './scores.ts';
import { Topics } from './topics.ts';
import { Trees } from './trees.ts';
import { Step } from './types.ts';
import type { Item, Outcome, OverlayEffect, OverlayEvent, OverlayOptions } from './types.ts';

/** for how long after subscribing the past may come back with what is asked for */
const PAST_MS = 30_000;

type BetweenNeighbours = 'beacon' | 'beat' | 'gone' | 'root' | 'topics';
const BETWEEN_NEIGHBOURS: readonly string[] = ['beacon', 'beat', 'gone', 'root', 'topics'] satisfies BetweenNeighbours[];

export class OverlayMachine<Content> {
  readonly #step: Step<Content>;
  readonly membership: Membership;
  readonly trees: Trees;
  readonly topics: Topics<Content>;
  readonly history = new History<Content>();
  readonly scores: Scores;
  readonly #lazy: Lazy;
  readonly #intake: Intake<Content>;
  readonly #linkedAt = new Map<MachineId, number>();
  /** during the loss of a link: what it was given before then arrived */
  #soundAt: number | undefined;
  /** when the latest new messages came */
  readonly #arrivals: number[] = [];
  #begun: number | undefined;
  #nextTick = 0;
  #timerAt = Infinity;

  constructor(options: OverlayOptions) {
    this.#step = new Step(options);
    const known = (id: string): boolean => options.seen(id) || this.history.get(id) !== undefined;
    this.scores = new Scores(this.#step, (peer) => this.membership.ban(peer));
    this.trees = new Trees(
      this.#step,
      () => this.membership.active,
      () => this.scores,
      () => this.topics.moved(),
    );
    this.#lazy = new Lazy(this.#step, {
      known,
      pending: (id) => this.#intake.has(id),
      internal: (id) => this.history.get(id)?.item.internal ?? false,
      cameAt: (id) => this.history.get(id)?.at ?? this.#step.now,
      lost: (peer, id) => this.topics.lost(peer, id),
      busy: () => this.#busy,
      settledPeers: () => [...this.membership.active].filter((peer) => this.#step.now - (this.#linkedAt.get(peer) ?? Infinity) >= TOLD_ALL_MS),
      broken: (peer, count) => this.scores.blame(peer, count >= BROKEN ? 'broken_promise' : 'late'),
    });
    this.topics = new Topics(this.#step, {
      neighbours: () => this.membership.active,
      trees: () => this.trees,
      history: this.history,
      lazy: () => this.#lazy,
      scores: () => this.scores,
      known: (id) => known(id) || this.#intake.has(id),
      linkedAt: (peer) => this.#linkedAt.get(peer) ?? this.#step.now,
    });
    this.#intake = new Intake<Content>(this.#step, {
      accepted: ({ peer, item, pulled }) => this.#accepted(peer, item, pulled),
      // Its verdict may come after its sender is gone.
      forged: (peer) => {
        if (this.#linkedAt.has(peer)) this.scores.blame(peer, 'forged');
      },
      copy: (peer, item, pulled) => this.#copied(peer, item, pulled),
    });
    this.membership = new Membership(this.#step, {
      root: () => this.trees.root,
      needed: (peer) => this.trees.isParent(peer),
      up: (peer) => {
        this.trees.up(peer);
        this.topics.up(peer);
      },
      down: (peer) => {
        this.topics.down(peer, this.#soundAt, this.#lazy.gone(peer, this.#soundAt ?? Infinity));
        this.trees.down(peer);
      },
    });
  }

  /** what waits to be asked for, and what is being verified */
  get waiting(): { readonly awaited: number; readonly pending: number } {
    return { awaited: this.#lazy.size, pending: this.#intake.pending };
  }

  step(event: OverlayEvent<Content>): OverlayEffect<Content>[] {
    const step = this.#step;
    step.now = event.now;
    step.wall = event.wall;
    step.effects = [];
    this.#begun ??= event.now;
    this.#handle(event);
    if (event.now >= this.#nextTick) this.#tick();
    this.#lazy.flush();
    this.trees.flush();
    this.topics.flush();
    const due = Math.min(this.#nextTick, this.#lazy.due, this.trees.due);
    if (due < this.#timerAt) {
      this.#timerAt = due;
      step.out({ kind: 'set_timer', at: due });
    }
    return step.effects;
  }

  #handle(event: OverlayEvent<Content>): void {
    switch (event.kind) {
      case 'link_up':
        this.#linkedAt.set(event.peer, event.now);
        return this.membership.linkUp(event.peer, event.addresses, event.site, event.dialled);
      case 'link_down':
        this.#soundAt = event.soundAt;
        this.#linkedAt.delete(event.peer);
        this.membership.linkDown(event.peer, event.ended);
        this.scores.gone(event.peer);
        this.#lazy.forget(event.peer);
        this.#soundAt = undefined;
        return;
      case 'dial_failed':
        return this.membership.dialFailed(event.peer);
      case 'control':
        return this.#control(event.peer, event.control);
      case 'have':
        if (!this.membership.active.has(event.peer)) return;
        this.topics.showed(event.peer, event.ids);
        return this.#lazy.told(event.peer, event.ids);
      case 'want':
        if (this.membership.active.has(event.peer)) this.#serve(event.peer, event.ids);
        return;
      case 'message':
        return this.#arrived(event.peer, event.item);
      case 'untimely':
        // A promise that was kept: it will never be here, whoever gives it.
        this.#lazy.arrived(event.id, event.peer);
        return this.#lazy.settled(event.id);
      case 'malformed':
        return this.scores.blame(event.peer, 'malformed');
      case 'verified':
        return this.#intake.verified(event.content, event.verdict);
      case 'unsent':
        if (this.membership.active.has(event.peer)) this.#lazy.offer(event.peer, event.ids);
        return;
      case 'subscribe':
        return this.topics.subscribe(event.topic);
      case 'unsubscribe':
        return this.topics.unsubscribe(event.topic);
      case 'publish':
        return this.topics.publish(event.item);
      case 'root_signed':
        return this.trees.roots.signed(event.chain);
      case 'root_checked':
        return this.trees.roots.checked(event.anchor, event.good);
      case 'timer':
        this.#timerAt = Infinity;
    }
  }

  /** Much is coming by itself: what is missing may be among it. */
  get #busy(): boolean {
    const flowing = this.#arrivals.length === BUSY_ARRIVALS && this.#step.now - this.#arrivals[0]! < BUSY_WITHIN_MS;
    return flowing || this.#intake.pending > BUSY_PENDING;
  }

  #tick(): void {
    this.#nextTick = this.#step.now + TICK_MS;
    this.membership.tick();
    this.trees.tick();
    this.topics.tick();
    this.history.sweep(this.#step.now);
    this.scores.sweep();
  }

  #control(peer: MachineId, control: OverlayControl): void {
    if (!isBetweenNeighbours(control)) return this.membership.heard(peer, control);
    if (!this.membership.active.has(peer)) return this.membership.notNeighbour(peer);
    if (control.kind === 'beat') return this.trees.asked(peer);
    if (control.kind === 'root') return this.trees.roots.heard(peer, control.anchor);
    if (control.kind === 'topics') return this.topics.heard(peer, control.items);
    if (control.kind === 'gone') return this.topics.gaps.heard(peer, control);
    const root = control.trees[0]?.root;
    // Another root on first sight: two components of the network meet.
    const stranger = !this.trees.knows(peer) && root !== undefined && root !== this.trees.root;
    const apart = this.trees.rootAge + 2 * ROOT_LOST_MS;
    this.trees.heard(peer, control.trees);
    // Whoever came just now was apart from nobody, and every new neighbour tells of what is recent anyway: nothing to catch up on with each in turn.
    if (stranger && this.#step.now - this.#begun! > RECENT_MS) this.topics.merged(peer, apart);
  }

  #arrived(peer: MachineId, item: Item<Content>): void {
    // Ids before signatures: a copy costs no verification.
    if (this.#step.options.seen(item.id) || this.history.get(item.id)) return this.#intake.pass(peer, item, 'duplicate');
    const pulled = this.#lazy.arrived(item.id, peer);
    if (!this.topics.get(item.topic)) {
      if (!pulled) this.scores.blame(peer, 'no_interest');
      return this.#intake.pass(peer, item, 'no_interest');
    }
    this.#intake.examine(peer, item, pulled);
  }

  #accepted(peer: MachineId, item: Item<Content>, pulled: boolean): { outcome: Outcome; local: boolean } {
    const topic = this.topics.get(item.topic);
    if (!topic) return { outcome: 'no_interest', local: false };
    this.topics.spread(topic, item, peer, pulled);
    if (!pulled && this.#arrivals.push(this.#step.now) > BUSY_ARRIVALS) this.#arrivals.shift();
    const { subscribedAt } = topic;
    if (subscribedAt === undefined) return { outcome: 'accepted', local: false };
    const past = pulled && item.issued < subscribedAt && this.#step.wall - subscribedAt < PAST_MS;
    return { outcome: past ? 'early' : 'accepted', local: !past };
  }

  #copied(peer: MachineId, item: Item<Content>, pulled: boolean): void {
    this.topics.showed(peer, [item.id]);
    this.scores.blame(peer, 'copies');
    if (pulled) return;
    if (this.history.get(item.id)?.pulled) this.#lazy.hasty();
    this.topics.copy(peer, item);
  }

  #serve(peer: MachineId, ids: readonly string[]): void {
    for (const id of ids) {
      const kept = this.history.get(id);
      if (kept) this.#step.out({ kind: 'pass', peer, item: kept.item, pulled: true });
      else this.topics.lost(peer, id);
    }
  }
}

function isBetweenNeighbours(control: OverlayControl): control is Extract<OverlayControl, { kind: BetweenNeighbours }> {
  return BETWEEN_NEIGHBOURS.includes(control.kind);
}
