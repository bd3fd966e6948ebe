/** HyParView's larger view: machines known beside the neighbours, from which lost ones are replaced. Shuffles along random walks keep it fresh. */
import { MAX_WALK } from '@muster/protocol';
import type { MachineId, OverlayControl, PeerDescriptor } from '@muster/protocol';
import * as limits from './limits.ts';
import type { Step } from './types.ts';

export interface PassiveViewParts {
  readonly active: ReadonlySet<MachineId>;
  /** undefined: there is no link */
  readonly addressesOf: (peer: MachineId) => readonly string[] | undefined;
  readonly banned: (peer: MachineId) => boolean;
}

interface Known {
  readonly addresses: readonly string[];
  readonly site: string | undefined;
}

export class PassiveView {
  readonly #step: Step<unknown>;
  readonly #parts: PassiveViewParts;
  readonly #known = new Map<MachineId, Known>();
  /** a shuffle is under way */
  #asking = false;
  #nextShuffle = 0;

  constructor(step: Step<unknown>, parts: PassiveViewParts) {
    this.#step = step;
    this.#parts = parts;
  }

  get peers(): readonly MachineId[] {
    return [...this.#known.keys()];
  }

  addresses(peer: MachineId): readonly string[] {
    return this.#known.get(peer)?.addresses ?? [];
  }

  remember({ machine, addresses }: PeerDescriptor): void {
    const { addressesOf, banned } = this.#parts;
    const known = machine === this.#step.options.self || addressesOf(machine) !== undefined || banned(machine);
    if (known || addresses.length === 0) return;
    const site = this.#step.options.siteOf(addresses);
    if (site !== undefined && !this.#known.has(machine)) {
      let ofSite = 0;
      for (const other of this.#known.values()) if (other.site === site) ofSite++;
      if (ofSite >= limits.PASSIVE_OF_SITE) return;
    }
    this.#known.set(machine, { addresses, site });
    while (this.#known.size > limits.PASSIVE_VIEW) this.#known.delete(this.#step.pick(this.peers)!);
  }

  forget(peer: MachineId): void {
    this.#known.delete(peer);
  }

  /** Some neighbours, and some of those known beside them. */
  sample(except?: MachineId): PeerDescriptor[] {
    const others = [...this.#parts.active].filter((peer) => peer !== except);
    const active = this.#step.sample(others, limits.SHUFFLED_ACTIVE);
    const passive = this.#step.sample([...this.#known], limits.SHUFFLED_PASSIVE);
    return [
      ...active.map((machine) => ({ machine, addresses: this.#parts.addressesOf(machine) ?? [] })),
      ...passive.map(([machine, { addresses }]) => ({ machine, addresses })),
    ];
  }

  tick(): void {
    if (this.#step.now < this.#nextShuffle) return;
    const pause = this.#knowsFew ? limits.SHUFFLE_SOON_MS : limits.SHUFFLE_EVERY_MS;
    this.#nextShuffle = this.#step.now + pause * (0.75 + this.#step.options.random() / 2);
    const first = this.#step.pick([...this.#parts.active]);
    this.#asking = first !== undefined;
    if (first) this.#step.send(first, { kind: 'shuffle', hops: MAX_WALK - 1, path: [this.#step.options.self], peers: this.sample() });
  }

  shuffled(from: MachineId, { hops, path, peers }: Extract<OverlayControl, { kind: 'shuffle' }>): void {
    const { self } = this.#step.options;
    const { active } = this.#parts;
    // The way back must be the way it came: nobody is made to speak to a machine of the sender's choice.
    if (!active.has(from) || path.at(-1) !== from || path.includes(self)) return;
    const next = this.#step.pick([...active].filter((peer) => !path.includes(peer)));
    if (hops > 0 && next && path.length <= MAX_WALK) {
      return this.#step.send(next, { kind: 'shuffle', hops: hops - 1, path: [...path, self], peers });
    }
    this.#step.send(from, { kind: 'shuffle_reply', path: path.slice(0, -1), peers: this.sample() });
    for (const peer of peers) this.remember(peer);
  }

  shuffledBack(from: MachineId, { path, peers }: Extract<OverlayControl, { kind: 'shuffle_reply' }>): void {
    const { active } = this.#parts;
    const next = path.at(-1);
    if (next === undefined) {
      // One answer to each question; beyond that only whoever knows hardly anybody listens.
      if (!active.has(from) || (!this.#asking && !this.#knowsFew)) return;
      this.#asking = false;
      for (const peer of peers) this.remember(peer);
    } else if (active.has(next)) this.#step.send(next, { kind: 'shuffle_reply', path: path.slice(0, -1), peers });
  }

  get #knowsFew(): boolean {
    return this.#parts.active.size + this.#known.size < limits.FEW_KNOWN;
  }
}
