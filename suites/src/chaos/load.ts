/** Operations at the moments that are written for them, whatever happens meanwhile. */
import { type NodeHandle, operationsOf, type Schedule, type ScenarioContext, type ScheduledOperation } from '@muster/lab';
import { payloadOf } from '../nodes.ts';

/** ms after which an operation counts as unanswered */
const ANSWER_MS = 20_000;
/** operations of a node that may wait for their answers; beyond them all wait */
const MOST_WAITING = 200;
/** ms of a rule that are made into operations at a time */
const AHEAD_MS = 10_000;

export class Load {
  readonly #context: ScenarioContext;
  readonly #topic: string;
  readonly #nodes: ReadonlyMap<string, NodeHandle>;
  readonly #waiting = new Map<string, Set<Promise<unknown>>>();
  readonly #stop = new AbortController();
  readonly #over: Promise<void>;
  readonly #begun: number;
  /** operations that have their answers */
  answered = 0;
  #count = 0;

  constructor(context: ScenarioContext, topic: string, schedule: Schedule) {
    this.#context = context;
    this.#topic = topic;
    this.#nodes = new Map(context.nodes.map((node) => [node.name, node]));
    this.#begun = context.clock.monotonic();
    this.#over = this.#play(schedule);
  }

  /** Ends a rule that goes on as long as there are faults, and resolves once all that is written has been done and has its answer, or will get none. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await this.#over;
  }

  async #play(schedule: Schedule): Promise<void> {
    const endless = schedule.load !== undefined && schedule.load.until_ms === undefined;
    if (!endless) await this.#all(operationsOf(schedule, 0), this.#context.signal);
    else {
      const { load, nodes, operations } = schedule;
      const over = AbortSignal.any([this.#context.signal, this.#stop.signal]);
      const written = operations ? this.#all(operationsOf({ nodes, operations }, 0), this.#context.signal) : undefined;
      for (let from = 0; !over.aborted; from += AHEAD_MS) {
        const part = operationsOf({ nodes, load }, from + AHEAD_MS).filter(({ at_ms: at }) => at >= from);
        await this.#all(part, over);
      }
      await written;
    }
    await Promise.all([...this.#waiting.values()].flatMap((set) => [...set]));
  }

  async #all(operations: readonly ScheduledOperation[], over: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    for (const operation of operations) {
      const early = this.#begun + operation.at_ms - clock.monotonic();
      if (early > 0) await clock.sleep(early, over).catch(() => undefined);
      if (over.aborted) return;
      await this.#one(operation);
    }
  }

  async #one(operation: ScheduledOperation): Promise<void> {
    const node = this.#nodes.get(operation.node)!;
    const payload = payloadOf(`${operation.node} ${++this.#count}`);
    const options = { timeout: ANSWER_MS };
    const work: Promise<unknown> =
      operation.do === 'publish'
        ? node.rest('messaging.publish', { topic: this.#topic, payload }, options)
        : node.rest('direct.send', { agent_id: this.#nodes.get(operation.to)!.agentId, payload }, options);
    const waiting = this.#waiting.get(node.name) ?? new Set();
    this.#waiting.set(node.name, waiting);
    const done: Promise<unknown> = work.finally(() => {
      waiting.delete(done);
      this.answered++;
    });
    waiting.add(done);
    if (waiting.size >= MOST_WAITING) await Promise.race(waiting);
  }
}
