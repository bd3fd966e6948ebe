/** Load that goes on whatever happens: every node publishes and writes to others, at a steady rate. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { payloadOf } from '../nodes.ts';

/** ms between two messages of one node: what it publishes, and what it sends to one other */
const PUBLISH_EVERY_MS = 100;
const SEND_EVERY_MS = 250;
/** ms after which an operation counts as unanswered */
const ANSWER_MS = 20_000;
/** operations of one kind and node that may wait for their answers; beyond them it pauses */
const MOST_WAITING = 200;

export class Background {
  readonly #stop = new AbortController();
  readonly #lanes: Promise<void>[];

  constructor(context: ScenarioContext, topic: string) {
    const { nodes } = context;
    const publish = (node: NodeHandle, n: number): Promise<unknown> =>
      node.rest('messaging.publish', { topic, payload: payloadOf(`${node.name}/${n}`) }, { timeout: ANSWER_MS });
    const send = (node: NodeHandle, n: number): Promise<unknown> => {
      const others = nodes.filter((other) => other !== node);
      const { agentId } = others[n % others.length]!;
      return node.rest('direct.send', { agent_id: agentId, payload: payloadOf(`${node.name} to one, ${n}`) }, { timeout: ANSWER_MS });
    };
    this.#lanes = nodes.flatMap((node) => [
      this.#lane(context, PUBLISH_EVERY_MS, (n) => publish(node, n)),
      this.#lane(context, SEND_EVERY_MS, (n) => send(node, n)),
    ]);
  }

  /** Resolves once every operation has its answer, or none will come. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#lanes);
  }

  async #lane({ clock, signal }: ScenarioContext, every: number, act: (n: number) => Promise<unknown>): Promise<void> {
    const over = AbortSignal.any([signal, this.#stop.signal]);
    const waiting = new Set<Promise<unknown>>();
    for (let n = 1; !over.aborted; n++) {
      const done: Promise<unknown> = act(n).finally(() => waiting.delete(done));
      waiting.add(done);
      if (waiting.size >= MOST_WAITING) await Promise.race(waiting);
      await clock.sleep(every, over).catch(() => undefined);
    }
    await Promise.allSettled(waiting);
  }
}
