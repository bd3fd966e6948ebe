/** Messages that a parent should have pushed and has not even told of, while another neighbour did. It may show for a while that it was only late. */
import type { MachineId } from '@muster/protocol';
import { MAX_WITHHELD, SETTLED_MS, WITHHELD_MS } from './limits.ts';
import type { Topic } from './topic.ts';
import type { Step } from './types.ts';

export class Withheld {
  readonly #step: Step<unknown>;
  readonly #blame: (peer: MachineId) => void;
  readonly #ids = new Map<string, { readonly peer: MachineId; readonly until: number }>();

  constructor(step: Step<unknown>, blame: (peer: MachineId) => void) {
    this.#step = step;
    this.#blame = blame;
  }

  /** `id` had to be asked for, of one of `holders`. */
  suspect(topic: Topic, parent: MachineId | undefined, id: string, holders: readonly string[]): void {
    const { now } = this.#step;
    const link = parent && topic.links.get(parent);
    if (!link || holders.includes(parent) || topic.doubtSince !== undefined || now - link.servesSince < SETTLED_MS) return;
    if (this.#ids.size < MAX_WITHHELD) this.#ids.set(id, { peer: parent, until: now + WITHHELD_MS });
  }

  /** The peer has these, after all. */
  showed(peer: MachineId, ids: readonly string[]): void {
    if (this.#ids.size > 0) for (const id of ids) if (this.#ids.get(id)?.peer === peer) this.#ids.delete(id);
  }

  tick(): void {
    for (const [id, { peer, until }] of this.#ids) {
      if (until > this.#step.now) break;
      this.#ids.delete(id);
      this.#blame(peer);
    }
  }
}
