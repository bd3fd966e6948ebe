/** What goes into the overlay's state machine and what comes out of it. It knows no link, clock, socket or key: whoever drives it does. */
import type { MachineId, OverlayControl, RootAnchor, RootChain } from '@muster/protocol';

/** A message as the machine sees it. `Content` is the driver's own: it is held, passed on and given back, never looked into. */
export interface Item<Content> {
  /** 64 hex */
  readonly id: string;
  readonly topic: string;
  /** Unix ms, by its sender's clock */
  readonly issued: number;
  /** Unix ms, when nobody takes it any more */
  readonly expires: number;
  readonly size: number;
  /** nodes tell it each other of themselves, and will tell it anew: kept apart from what users say */
  readonly internal: boolean;
  readonly content: Content;
}

/** `good`: signed, fresh and admitted. `forged`: not signed by its sender. `unwanted`: refused for a reason that its carrier need not know. */
export type Verdict = 'good' | 'forged' | 'unwanted';

/** What becomes of a message that arrived; told once for each. */
export type Outcome = 'accepted' | 'duplicate' | 'refused' | 'no_interest' | 'early';

/** `now` of every event in ms, never going back; `wall` is Unix ms. */
export type OverlayEvent<Content> = (
  | {
      readonly kind: 'link_up';
      readonly peer: MachineId;
      readonly addresses: readonly string[];
      /** the host it comes from; undefined where many honest nodes share one (loopback, private networks) */
      readonly site: string | undefined;
      readonly dialled: boolean;
    }
  /** `ended`: the peer said goodbye. `soundAt`: what either end gave the link before then has arrived (ms, as `now`); undefined: nothing is missing */
  | { readonly kind: 'link_down'; readonly peer: MachineId; readonly ended: boolean; readonly soundAt: number | undefined }
  | { readonly kind: 'dial_failed'; readonly peer: MachineId }
  | { readonly kind: 'control'; readonly peer: MachineId; readonly control: OverlayControl }
  | { readonly kind: 'have' | 'want'; readonly peer: MachineId; readonly ids: readonly string[] }
  | { readonly kind: 'message'; readonly peer: MachineId; readonly item: Item<Content> }
  /** it sent something that cannot be read */
  | { readonly kind: 'malformed'; readonly peer: MachineId }
  /** it gave a message that is stale here, or from the future: one of the clocks is wrong */
  | { readonly kind: 'untimely'; readonly peer: MachineId; readonly id: string }
  /** answers `verify` */
  | { readonly kind: 'verified'; readonly content: Content; readonly verdict: Verdict }
  /** what was to be sent found no room */
  | { readonly kind: 'unsent'; readonly peer: MachineId; readonly ids: readonly string[] }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly topic: string }
  | { readonly kind: 'publish'; readonly item: Item<Content> }
  /** answers `sign_root` */
  | { readonly kind: 'root_signed'; readonly chain: RootChain }
  /** answers `check_root` */
  | { readonly kind: 'root_checked'; readonly anchor: RootAnchor; readonly good: boolean }
  | { readonly kind: 'timer' }
) & { readonly now: number; readonly wall: number };

export type OverlayEffect<Content> =
  | { readonly kind: 'send'; readonly peer: MachineId; readonly control: OverlayControl }
  | { readonly kind: 'tell'; readonly peer: MachineId; readonly what: 'have' | 'want'; readonly ids: readonly string[] }
  /** `pulled`: it was asked for */
  | { readonly kind: 'pass'; readonly peer: MachineId; readonly item: Item<Content>; readonly pulled: boolean }
  | { readonly kind: 'verify'; readonly content: Content }
  /** in order for each peer; `local`: somebody here listens to the topic */
  | { readonly kind: 'outcome'; readonly content: Content; readonly outcome: Outcome; readonly local: boolean }
  /** messages of the topic that could not be had any more after a time away; at least so many */
  | { readonly kind: 'missed'; readonly topic: string; readonly count: number }
  /** a chain for beats of this node from that number on is to be made */
  | { readonly kind: 'sign_root'; readonly first: number }
  | { readonly kind: 'check_root'; readonly anchor: RootAnchor }
  | { readonly kind: 'dial'; readonly peer: MachineId; readonly addresses: readonly string[] }
  /** the overlay has no use for the link any more */
  | { readonly kind: 'release'; readonly peer: MachineId }
  /** the peer misbehaved: end its link, and do not come back to it for `banMs` */
  | { readonly kind: 'cut'; readonly peer: MachineId; readonly reason: string; readonly banMs: number }
  /** a `timer` event is due at `at`; takes the place of an earlier one */
  | { readonly kind: 'set_timer'; readonly at: number };

/** What the machine needs of the cryptography of roots at once. */
export interface RootHashes {
  /** the machine whose key is in it */
  readonly of: (anchor: RootAnchor) => MachineId;
  /** another for each anchor, down to the last byte */
  readonly name: (anchor: RootAnchor) => string;
  /** `hashes` of the protocol */
  readonly down: (link: Uint8Array, steps: number) => Uint8Array;
}

export interface OverlayOptions {
  readonly self: MachineId;
  /** uniform in [0, 1) */
  readonly random: () => number;
  /** Unix ms when the process started: makes the numbers of this life larger than those of the last */
  readonly epoch: number;
  /** the id was accepted before, also if its message is no longer kept */
  readonly seen: (id: string) => boolean;
  readonly roots: RootHashes;
  /** host of an address that only one party uses; undefined otherwise */
  readonly siteOf: (addresses: readonly string[]) => string | undefined;
}

/** What the parts of the machine share: the time of the event at hand, and where effects go. */
export class Step<Content> {
  readonly options: OverlayOptions;
  now = 0;
  wall = 0;
  effects: OverlayEffect<Content>[] = [];

  constructor(options: OverlayOptions) {
    this.options = options;
  }

  out(effect: OverlayEffect<Content>): void {
    this.effects.push(effect);
  }

  send(peer: MachineId, control: OverlayControl): void {
    this.effects.push({ kind: 'send', peer, control });
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.options.random() * from.length)];
  }

  sample<T>(from: readonly T[], count: number): T[] {
    const rest = [...from];
    return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(Math.floor(this.options.random() * rest.length), 1)[0]!);
  }
}
