/** Direct messages from one node to another, several at a time, until told to stop. */
import type { NodeHandle } from '@muster/lab';
import { payloadOf } from '../nodes.ts';

const WIDTH = 8;
const PAYLOAD_BYTES = 512;

export class Load {
  /** messages that the recipient has acknowledged so far */
  acknowledged = 0;
  #sent = 0;
  #stopped = false;
  readonly #lanes: Promise<void>[];

  constructor(from: NodeHandle, to: NodeHandle) {
    this.#lanes = Array.from({ length: WIDTH }, () => this.#lane(from, to.agentId));
  }

  /** Resolves once the last message has its answer, whatever that is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
  }

  async #lane(from: NodeHandle, agent_id: string): Promise<void> {
    while (!this.#stopped) {
      const payload = payloadOf(`message ${++this.#sent} `.padEnd(PAYLOAD_BYTES, '.'));
      const { outcome } = await from.rest('direct.send', { agent_id, payload });
      if (outcome === 'ok') this.acknowledged += 1;
    }
  }
}
