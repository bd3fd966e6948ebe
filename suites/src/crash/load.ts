/** Writes to a node and messages both ways, several at a time, until one is not done: by then the node was killed. */
import type { NodeHandle, Operation, SeededRandom } from '@muster/lab';
import { toHex } from '@muster/protocol';
import { payloadOf } from '../nodes.ts';

/** what becomes of a contact after it was added */
export const FATES = ['trusted', 'removed', 'revoked'] as const;
type Fate = (typeof FATES)[number];

export class Load {
  /** operations of this round that were acknowledged so far */
  acknowledged = 0;
  /** contacts that were told to go, whatever came of it */
  readonly removals: string[] = [];
  readonly #victim: NodeHandle;
  readonly #partner: NodeHandle;
  readonly #random: SeededRandom;
  #lanes: Promise<void>[] = [];
  #stopped = true;

  constructor(victim: NodeHandle, partner: NodeHandle, random: SeededRandom) {
    this.#victim = victim;
    this.#partner = partner;
    this.#random = random;
  }

  /** Begins another round. */
  start(): void {
    this.acknowledged = 0;
    this.#stopped = false;
    const messages = [0, 1].flatMap(() => [this.#messages(this.#victim, this.#partner), this.#messages(this.#partner, this.#victim)]);
    this.#lanes = [...messages, this.#contacts(), this.#contacts()];
  }

  /** Resolves once every lane has its last answer, whatever that is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
  }

  async #messages(from: NodeHandle, to: NodeHandle): Promise<void> {
    while (await this.#done(from.rest('direct.send', { agent_id: to.agentId, payload: payloadOf(this.#id()) })));
  }

  /** Each contact has one fate: the next operation begins only after the one before was acknowledged. */
  async #contacts(): Promise<void> {
    for (;;) {
      const node = this.#victim;
      const agent_id = this.#id();
      const fate = this.#random.pick(FATES);
      if (!(await this.#done(node.rest('contacts.add', { agent_id, label: fate })))) return;
      if (fate === 'removed') this.removals.push(agent_id);
      if (!(await this.#done(fulfil(node, agent_id, fate)))) return;
    }
  }

  async #done(operation: Promise<Operation>): Promise<boolean> {
    const { outcome } = await operation;
    if (outcome !== 'ok') return false;
    this.acknowledged += 1;
    return !this.#stopped;
  }

  #id(): string {
    return toHex(this.#random.bytes(32));
  }
}

function fulfil(node: NodeHandle, agent_id: string, fate: Fate): Promise<Operation> {
  if (fate === 'trusted') return node.rest('contacts.setTrust', { agent_id, level: 'trusted' });
  if (fate === 'removed') return node.rest('contacts.remove', { agent_id });
  return node.rest('contacts.revoke', { agent_id, reason: 'crash' });
}
