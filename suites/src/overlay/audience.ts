/** Nodes that listen to topics, what each has heard there, and what was said. */
import type { NodeHandle, ScenarioContext, Waited } from '@muster/lab';
import { type Claim, claims } from '@muster/proof';
import { deliveries, openStream, payloadOf, subscribe } from '../nodes.ts';

/** publishes under way at once */
const DEPTH = 16;

export class Audience implements AsyncDisposable {
  readonly topics: readonly string[];
  readonly #context: ScenarioContext;
  readonly #heard: ReadonlyMap<string, Set<string>>;
  readonly #missed: ReadonlyMap<string, number>;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    context: ScenarioContext,
    topics: readonly string[],
    heard: ReadonlyMap<string, Set<string>>,
    missed: ReadonlyMap<string, number>,
    stack: AsyncDisposableStack,
  ) {
    this.#context = context;
    this.topics = topics;
    this.#heard = heard;
    this.#missed = missed;
    this.#stack = stack;
  }

  /** Each of the nodes follows what it delivers, and subscribes. */
  static async of(context: ScenarioContext, nodes: readonly NodeHandle[], ...topics: readonly [string, ...string[]]): Promise<Audience> {
    await using stack = new AsyncDisposableStack();
    const heard = new Map<string, Set<string>>();
    const missed = new Map<string, number>();
    await Promise.all(
      nodes.map(async (node) => {
        const payloads = new Set<string>();
        heard.set(node.name, payloads);
        const opened = await openStream(context, node, 'messaging.events', ({ event, data }) => {
          if (!topics.includes(data.data.topic)) return;
          if (event === 'message') payloads.add(`${data.data.topic} ${data.data.payload}`);
          else missed.set(node.name, (missed.get(node.name) ?? 0) + data.data.count);
        });
        stack.use(opened);
        for (const topic of topics) stack.use(await subscribe(context, node, topic));
      }),
    );
    return new Audience(context, topics, heard, missed, stack.move());
  }

  /** the first, and mostly the only one */
  get topic(): string {
    return this.topics[0]!;
  }

  /** Has `from` publish texts, one after the other. @returns nothing: what was accepted stands in the record */
  async say(from: NodeHandle, texts: readonly string[], topic: string = this.topic): Promise<void> {
    for (const text of texts) await from.rest('messaging.publish', { topic, payload: payloadOf(text) });
  }

  /** Has the nodes publish `count` texts between them, many at once. */
  async sayMany(from: readonly NodeHandle[], count: number, name: string): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count && !this.#context.signal.aborted) {
        const index = next++;
        await this.say(from[index % from.length]!, [`${name} ${index}`]);
      }
    };
    await Promise.all(Array.from({ length: DEPTH }, worker));
  }

  /** texts that the node has heard, without copies */
  count(node: NodeHandle): number {
    return this.#heard.get(node.name)?.size ?? 0;
  }

  /** texts that the node says it lost */
  missed(node: NodeHandle): number {
    return this.#missed.get(node.name) ?? 0;
  }

  /** Waits until each of the nodes has heard so many texts. */
  heard(nodes: readonly NodeHandle[], count: number, what: string, within: number): Promise<Waited<true>> {
    return this.#context.eventually(what, () => nodes.every((node) => this.count(node) >= count), within);
  }

  /** What was accepted here reached each of the nodes once, and nothing else did. */
  exactlyOnce(nodes: readonly NodeHandle[], topic: string = this.topic): Claim {
    return claims.deliveredExactlyOnce({
      sends: { op: 'messaging.publish', where: [{ at: '/input/topic', equals: topic }] },
      key: '/input/payload',
      receivers: { nodes: nodes.map(({ name }) => name) },
      receipts: deliveries(topic, { nodes }),
      receiptKey: '/data/payload',
      receiptSender: '/data/sender',
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
