/** The other side of the runners: talks to one node only, commands runners by direct message and collects their results. */
import type { LabClock } from '../clock.ts';
import { DeadlineError } from '../eventually.ts';
import type { Following } from '../record/following.ts';
import type { NodeHandle } from '../record/node-handle.ts';
import { type Operation, PrerequisiteFailed } from '../record/recorder.ts';
import type { SeededRandom } from '../runner/random.ts';
import { decodeMessage, encodeCommand, type RunnerResult } from './messages.ts';

export interface OrchestratorOptions {
  readonly clock: LabClock;
  /** names the commands */
  readonly random: SeededRandom;
  /** sees each result as it arrives, to write it into the journal */
  readonly record: (result: RunnerResult) => void;
}

export interface Commanded {
  readonly id: string;
  /** the direct message that carried it */
  readonly sent: Operation;
}

export class Orchestrator implements AsyncDisposable {
  readonly node: NodeHandle;
  readonly #options: OrchestratorOptions;
  readonly #results: RunnerResult[] = [];
  #stream: Following<unknown> | undefined;
  #arrivals = Promise.withResolvers<void>();

  private constructor(node: NodeHandle, options: OrchestratorOptions) {
    this.node = node;
    this.#options = options;
  }

  /** Hears every result from now on. @throws PrerequisiteFailed when the node refuses what it needs */
  static async start(node: NodeHandle, options: OrchestratorOptions): Promise<Orchestrator> {
    const orchestrator = new Orchestrator(node, options);
    if (node.agentId === '') {
      const who = await node.introduce();
      if (who.outcome !== 'ok') throw new PrerequisiteFailed(who, `${node.name} says who it is`);
    }
    orchestrator.#stream = await node.follow('direct.events', {
      onEvent: ({ data }) => orchestrator.#take(Buffer.from(data.payload, 'base64'), data.sender),
    });
    return orchestrator;
  }

  #take(payload: Uint8Array, sender: string): void {
    const message = decodeMessage(payload);
    // Who reports is known by the sender of the message, not by what it says of itself.
    if (message?.kind !== 'res' || message.result.agent_id !== sender) return;
    this.#results.push(message.result);
    this.#options.record(message.result);
    this.#arrivals.resolve();
    this.#arrivals = Promise.withResolvers();
  }

  get results(): readonly RunnerResult[] {
    return this.#results;
  }

  /** Sends a command to the runner beside an agent's node. */
  async command(to: { readonly agentId: string; readonly name: string }, action: string, params: Record<string, unknown> = {}): Promise<Commanded> {
    const id = Buffer.from(this.#options.random.bytes(8)).toString('hex');
    const payload = encodeCommand({ command_id: id, target_node: to.name, action, anchor_aid: this.node.agentId, params });
    const sent = await this.node.rest('direct.send', { agent_id: to.agentId, payload: Buffer.from(payload).toString('base64') });
    return { id, sent };
  }

  /** The first result, arrived or to come, that satisfies `wanted`. @throws DeadlineError */
  async result(
    wanted: (result: RunnerResult) => boolean,
    { within, what, signal }: { within: number; what: string; signal?: AbortSignal },
  ): Promise<RunnerResult> {
    const deadline = this.#options.clock.monotonic() + within;
    for (;;) {
      const arrival = this.#arrivals.promise;
      const found = this.#results.find(wanted);
      if (found) return found;
      const left = deadline - this.#options.clock.monotonic();
      if (left <= 0) throw new DeadlineError(`${what}: not within ${within} ms`);
      const patience = new AbortController();
      const stop = signal ? AbortSignal.any([signal, patience.signal]) : patience.signal;
      try {
        await Promise.race([arrival, this.#options.clock.sleep(left, stop)]);
      } finally {
        patience.abort();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream?.[Symbol.asyncDispose]();
  }
}
