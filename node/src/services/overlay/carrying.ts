/** How much neighbours have one another carry: topics that a node takes part in for the sake of a neighbour below it. Bounded for each and in all. */
import type { MachineId } from '@muster/protocol';
import { MAX_ASKS_OF_PEER, MAX_CARRIED } from './limits.ts';
import type { TopicLink } from './topic.ts';
import type { Step } from './types.ts';

export class Carrying {
  readonly #step: Step<unknown>;
  /** topics that a peer has us carry, and that we have it carry */
  readonly #asksOf = new Map<MachineId, number>();
  readonly #asksTo = new Map<MachineId, number>();
  #carried = 0;

  constructor(step: Step<unknown>) {
    this.#step = step;
  }

  /** The peer may have us carry one more. */
  hasRoom(peer: MachineId): boolean {
    return (this.#asksOf.get(peer) ?? 0) < MAX_ASKS_OF_PEER && this.#carried < MAX_CARRIED;
  }

  /** We may have the peer carry one more: an honest node never asks for more than it may. */
  mayAsk(peer: MachineId): boolean {
    return (this.#asksTo.get(peer) ?? 0) < MAX_ASKS_OF_PEER;
  }

  asked(link: TopicLink, peer: MachineId, asks: number): void {
    if (link.asks === 0) link.behindSince = this.#step.now;
    const change = Number(asks !== 0) - Number(link.asks !== 0);
    link.asks = asks;
    this.#carried += change;
    this.#asksOf.set(peer, (this.#asksOf.get(peer) ?? 0) + change);
  }

  told(link: TopicLink, peer: MachineId, told: number | undefined): void {
    this.#asksTo.set(peer, (this.#asksTo.get(peer) ?? 0) + Number(Boolean(told)) - Number(Boolean(link.told)));
    if (!link.told || !told) link.servesSince = told ? this.#step.now : Infinity;
    link.told = told;
  }

  forget(peer: MachineId): void {
    this.#asksOf.delete(peer);
    this.#asksTo.delete(peer);
  }
}
