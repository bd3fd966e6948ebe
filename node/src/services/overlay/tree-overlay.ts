/** Drives the overlay's state machine with real links, time and signatures. */
import { hashes, idOfKey, makeRootChain, toHex, utf8Bytes, verifyRootAnchor } from '@muster/protocol';
import type { MachineId, OverlayControl, RootAnchor, SigningKey } from '@muster/protocol';
import type { Random } from '../../ports/index.ts';
import { reachable } from '../links/addresses.ts';
import { farewellOf, NOT_NEEDED, STOPPING } from '../links/link.ts';
import type { Link } from '../links/link.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { Overlay, OverlayMessage } from '../messaging/overlay.ts';
import { siteOf, tellable } from './addresses.ts';
import { OverlayMachine } from './machine.ts';
import { Senders } from './senders.ts';
import { Stages } from './stages.ts';
import type { Item, OverlayEffect, OverlayEvent } from './types.ts';
import { itemOf, Validation } from './validation.ts';
import type { Parcel, ValidationParts } from './validation.ts';

/** links beyond these that the overlay dialled and has no use for are closed */
const SPARE_LINKS = 8;

export interface TreeOverlayParts extends ValidationParts {
  readonly self: MachineId;
  /** signs its beats as a root */
  readonly machineKey: SigningKey;
  /** may link to machines that neighbours told of; otherwise lives on the links that others make */
  readonly autoDial: boolean;
  readonly links: LinkManager;
  readonly random: Random;
}

type Event = OverlayEvent<Parcel>;
type Bare<T> = T extends unknown ? Omit<T, 'now' | 'wall'> : never;

export class TreeOverlay implements Overlay {
  readonly #parts: TreeOverlayParts;
  readonly #validation: Validation;
  readonly #links = new Map<MachineId, Link>();
  readonly #dialled = new Set<MachineId>();
  readonly #banned = new Map<MachineId, number>();
  readonly #senders: Senders;
  readonly machine: OverlayMachine<Parcel>;
  readonly stages: Stages;
  readonly #queue: Bare<Event>[] = [];
  readonly #begun: number;
  #stepping = false;
  #timer: Disposable | undefined;
  #disposed = false;

  constructor(parts: TreeOverlayParts) {
    this.#parts = parts;
    this.#validation = new Validation(parts);
    const { self, links, clock, random, replays, counters, crypto } = parts;
    this.#senders = new Senders(clock, counters);
    this.stages = new Stages(clock);
    this.#begun = clock.monotonic();
    this.machine = new OverlayMachine({
      self,
      random: () => random.next(),
      epoch: clock.now(),
      seen: (id) => replays.has(id),
      roots: {
        of: ({ key }) => idOfKey<MachineId>(crypto, key),
        name: ({ key, signature, end, first, issued }) => toHex(crypto.sha256(key, signature, end, utf8Bytes(`${first} ${issued}`))),
        down: (link, steps) => hashes(crypto, link, steps),
      },
      siteOf,
    });
    links.on({
      up: (link) => this.#up(link),
      down: (link, reason) => this.#down(link, reason),
      kinds: ['publish', 'overlay', 'have', 'want'],
      message: (link, message) => {
        const peer = link.machine;
        if (message.kind === 'publish') return this.#arrived(peer, message.envelope);
        if (!this.#links.has(peer)) return;
        if (message.kind === 'overlay') {
          this.stages.countControl(message.control);
          this.#feed({ kind: 'control', peer, control: message.control });
        } else if (message.kind === 'have' || message.kind === 'want') {
          this.stages.count(message.kind === 'have' ? 'ihave' : 'iwant');
          this.#feed({ kind: message.kind, peer, ids: message.ids });
        }
      },
    });
    this.#feed({ kind: 'timer' });
  }

  subscribe(topic: string): void {
    this.#feed({ kind: 'subscribe', topic });
  }

  unsubscribe(topic: string): void {
    this.#feed({ kind: 'unsubscribe', topic });
  }

  async broadcast(message: OverlayMessage): Promise<void> {
    const { replays, clock } = this.#parts;
    replays.seen(message, clock.now());
    const item = itemOf(message.id, message.header, message.bytes);
    const offers: Promise<void>[] = [];
    const begun = this.stages.begin();
    this.#feed({ kind: 'publish', item }, offers);
    this.stages.took('eager_fanout', begun);
    await Promise.all(offers);
  }

  /** How the overlay stands, for `/metrics`. Ages in ms: of this part of the node, and since when it is in the network it is in now. */
  gauges(): Readonly<Record<string, number>> {
    const { membership, topics, trees, history } = this.machine;
    const now = this.#parts.clock.monotonic();
    return {
      overlay_neighbours: membership.active.size,
      overlay_topics: topics.size,
      overlay_kept_messages: history.size,
      overlay_kept_bytes: history.bytes,
      overlay_age_milliseconds: Math.round(now - this.#begun),
      overlay_root_age_milliseconds: Math.round(now - Math.max(trees.rootedAt, this.#begun)),
    };
  }

  /** Peers that were cut off, and for how many ms yet. */
  cutOff(): ReadonlyMap<MachineId, number> {
    const now = this.#parts.clock.monotonic();
    return new Map([...this.#banned].filter(([, until]) => until > now).map(([peer, until]) => [peer, until - now]));
  }

  /** How well messages get through to a neighbour. */
  sending(peer: MachineId): { readonly slow: boolean; readonly timeouts: number; readonly pauses: number } {
    const link = this.#links.get(peer);
    return { slow: link !== undefined && this.#senders.slow(link), ...this.#senders.counts(peer) };
  }

  /** Messages of others that found no room at a peer, which has to ask for them. */
  get notPassedOn(): number {
    return this.#senders.notPassedOn;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.[Symbol.dispose]();
  }

  #up(link: Link): void {
    const { self, clock } = this.#parts;
    const peer = link.machine;
    if ((this.#banned.get(peer) ?? -Infinity) > clock.monotonic()) return link.close('banned');
    this.#banned.delete(peer);
    const former = this.#links.get(peer);
    if (former) this.#feed({ kind: 'link_down', peer, ended: false, soundAt: former.soundAt });
    this.#links.set(peer, link);
    const dialled = link.dialler === self;
    this.#feed({ kind: 'link_up', peer, addresses: reachable(link, dialled), site: siteOf([link.address]), dialled });
  }

  #down(link: Link, reason: string): void {
    const peer = link.machine;
    if (this.#links.get(peer) !== link) return;
    this.#links.delete(peer);
    this.#dialled.delete(peer);
    const farewell = link.interrupted ? undefined : farewellOf(reason);
    this.#feed({ kind: 'link_down', peer, ended: farewell !== undefined, soundAt: farewell === STOPPING ? undefined : link.soundAt });
  }

  /** Resolves when it is settled what becomes of it: the peer sends no faster than that. */
  #arrived(peer: MachineId, bytes: Uint8Array): Promise<void> | void {
    this.#parts.counters.add('gossip_incoming_total');
    this.stages.count('eager');
    let settled = false;
    let resolve: (() => void) | undefined;
    const begun = this.stages.begin();
    const item = this.#validation.inspect(bytes, () => {
      settled = true;
      resolve?.();
    });
    if ('untimely' in item) {
      this.stages.count('decode_failed');
      this.#feed(item.untimely === undefined ? { kind: 'malformed', peer } : { kind: 'untimely', peer, id: item.untimely });
      return;
    }
    this.stages.took('decode', begun);
    const compared = this.stages.begin();
    this.#feed({ kind: 'message', peer, item });
    this.stages.took('dedupe_check', compared);
    // Most are copies, and settled by now.
    if (!settled) return new Promise((wake) => (resolve = wake));
  }

  async #verify(parcel: Parcel): Promise<void> {
    const begun = this.stages.begin();
    const verdict = await this.#validation.judge(parcel);
    this.stages.took('verify', begun);
    const judged = this.stages.begin();
    this.#feed({ kind: 'verified', content: parcel, verdict });
    this.stages.took('republish', judged);
  }

  #feed(event: Bare<Event>, offers?: Promise<void>[]): void {
    if (this.#disposed) return;
    this.#queue.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    const { clock } = this.#parts;
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
        const effects = this.machine.step({ ...next, now: clock.monotonic(), wall: clock.now() } as Event);
        for (const effect of effects) this.#apply(effect, next.kind === 'publish' ? offers : undefined);
      }
    } finally {
      this.#stepping = false;
    }
  }

  #apply(effect: OverlayEffect<Parcel>, offers: Promise<void>[] | undefined): void {
    const { counters, log } = this.#parts;
    switch (effect.kind) {
      case 'send':
        return this.#send(effect.peer, effect.control);
      case 'tell': {
        const { peer, what, ids } = effect;
        if (!this.#links.get(peer)?.send({ kind: what, ids }) && what === 'have') this.#feed({ kind: 'unsent', peer, ids });
        return;
      }
      case 'pass': {
        const offer = this.#pass(effect.peer, effect.item, effect.pulled, offers !== undefined);
        if (offer) offers?.push(offer);
        return;
      }
      case 'verify':
        return void this.#verify(effect.content);
      case 'outcome':
        return this.#validation.settle(effect.content, effect.outcome);
      case 'missed':
        counters.add('gossip_missed_total', effect.count);
        log.write('warn', 'messages were missed', { topic: effect.topic, atLeast: effect.count });
        return this.#parts.events.missed?.(effect.topic, effect.count);
      case 'sign_root':
        return void this.#signRoot(effect.first);
      case 'check_root':
        return void this.#checkRoot(effect.anchor);
      case 'dial':
        return void this.#dial(effect.peer, effect.addresses);
      case 'release':
        if (this.#dialled.has(effect.peer) && this.#links.size > SPARE_LINKS) this.#links.get(effect.peer)?.close(NOT_NEEDED);
        return;
      case 'cut':
        counters.add(`overlay_cut_total{reason="${effect.reason}"}`);
        log.write('warn', 'peer cut off', { peer: effect.peer, reason: effect.reason });
        this.#banned.set(effect.peer, this.#parts.clock.monotonic() + effect.banMs);
        return this.#links.get(effect.peer)?.close(`cut off: ${effect.reason}`.slice(0, 64));
      case 'set_timer':
        return this.#wake(effect.at);
    }
  }

  async #signRoot(first: number): Promise<void> {
    const { crypto, machineKey, network, clock } = this.#parts;
    this.#feed({ kind: 'root_signed', chain: await makeRootChain(crypto, machineKey, network, { first, issued: clock.now() }) });
  }

  async #checkRoot(anchor: RootAnchor): Promise<void> {
    const { crypto, network } = this.#parts;
    this.#feed({ kind: 'root_checked', anchor, good: await verifyRootAnchor(crypto, network, anchor) });
  }

  #wake(at: number): void {
    const { clock } = this.#parts;
    this.#timer?.[Symbol.dispose]();
    this.#timer = clock.after(Math.max(0, at - clock.monotonic()), () => this.#feed({ kind: 'timer' }));
  }

  #send(peer: MachineId, control: OverlayControl): void {
    const link = this.#links.get(peer);
    if (!link) return;
    if (!link.send({ kind: 'overlay', control: tellable(control, link.address) })) {
      // Neighbours that no longer hear what they must know are none.
      this.#parts.counters.add('overlay_control_dropped_total');
      if (!link.wire.closed) link.close('control lane full');
    }
  }

  #pass(peer: MachineId, item: Item<Parcel>, pulled: boolean, wait: boolean): Promise<void> | undefined {
    const link = this.#links.get(peer);
    const { bytes, queue } = item.content;
    if (pulled) {
      this.#parts.counters.add('gossip_pulled_total');
      if (item.internal) this.#parts.counters.add('gossip_announcements_pulled_total');
    }
    return link && this.#senders.pass(link, bytes, { wait, queue }, () => this.#feed({ kind: 'unsent', peer, ids: [item.id] }));
  }

  async #dial(peer: MachineId, addresses: readonly string[]): Promise<void> {
    for (const address of this.#parts.autoDial ? addresses : []) {
      try {
        await this.#parts.links.connect(address, peer);
        this.#dialled.add(peer);
        return;
      } catch (error) {
        this.#parts.log.write('debug', 'overlay dial failed', { address, error: String(error) });
      }
    }
    this.#feed({ kind: 'dial_failed', peer });
  }
}
