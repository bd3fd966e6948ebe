/** Ordinary use at a steady rate: nodes publish to all and write to one another, and everything is accounted for. */
import { type NodeHandle, type Offered, openLoop, type ScenarioContext } from '@muster/lab';
import { type Claim, claims, type Reference } from '@muster/proof';
import { deliveries, openStream, payloadOf, subscribe } from './nodes.ts';

/** ms after which an operation counts as unanswered */
const ANSWER_MS = 20_000;
/** ms for what was accepted last to arrive; what is lost then shows in the claims */
const SETTLE_MS = 10_000;
/** how much longer 99 of 100 answers may take than before: times, and ms besides. Measured on the spot, as others use the machine, too. */
const P99_TIMES = 10;
const P99_MS = 3_000;
/** The same in words, before what it is compared with. */
export const PROMPT = `${P99_MS / 1_000} s more than ${P99_TIMES} times as long as`;

/** ms that 99 of 100 answers may take where they took so long before */
export const promptLimit = ({ offered }: Stretch): number => Math.round(offered.latency_p99_ms * P99_TIMES + P99_MS);

/** What came of a stretch of it: to claim on. */
export interface Stretch {
  readonly offered: Offered;
  /** its lines in the journal */
  readonly range: readonly [number, number];
  /** `latency_p99_ms` and the other numbers of `Offered` */
  number(name: keyof Offered): Reference;
}

export class Traffic implements AsyncDisposable {
  readonly topic: string;
  readonly nodes: readonly NodeHandle[];
  readonly #context: ScenarioContext;
  readonly #rate: number;
  readonly #heard: ReadonlyMap<NodeHandle, Set<string>>;
  readonly #stack: AsyncDisposableStack;
  readonly #paths = new Map<string, string>();
  #said = 0;

  private constructor(
    context: ScenarioContext,
    topic: string,
    rate: number,
    heard: ReadonlyMap<NodeHandle, Set<string>>,
    stack: AsyncDisposableStack,
  ) {
    this.#context = context;
    this.topic = topic;
    this.nodes = [...heard.keys()];
    this.#rate = rate;
    this.#heard = heard;
    this.#stack = stack;
  }

  /** @param rate operations per second of all nodes together, half of them published, half of them direct */
  static async of(context: ScenarioContext, nodes: readonly NodeHandle[], rate: number): Promise<Traffic> {
    await using stack = new AsyncDisposableStack();
    const topic = context.topic('traffic');
    const heard = new Map(nodes.map((node) => [node, new Set<string>()]));
    for (const [node, payloads] of heard) {
      stack.use(await openStream(context, node, 'messaging.events', ({ event, data }) => {
        if (event === 'message' && data.data.topic === topic) payloads.add(data.data.payload);
      })); // prettier-ignore
      stack.use(await openStream(context, node, 'direct.events', ({ data }) => void payloads.add(data.payload)));
      stack.use(await subscribe(context, node, topic));
    }
    return new Traffic(context, topic, rate, heard, stack.move());
  }

  /** Goes on until told to stop, and then until everything has arrived. */
  async run(stop: AbortSignal): Promise<Stretch> {
    const { clock, record, signal, eventually } = this.#context;
    const from = record.seq + 1;
    const expected = new Map(this.nodes.map((node) => [node, 0]));
    for (const payloads of this.#heard.values()) payloads.clear();
    const owe = (node: NodeHandle): void => void expected.set(node, expected.get(node)! + 1);
    const act = async (): Promise<void> => {
      const n = this.#said++;
      const sender = this.nodes[Math.floor(n / 2) % this.nodes.length]!;
      const payload = payloadOf(`${sender.name} says ${n}`);
      if (n % 2 === 0) {
        const { outcome } = await sender.rest('messaging.publish', { topic: this.topic, payload }, { timeout: ANSWER_MS });
        if (outcome === 'ok') for (const node of this.nodes) owe(node);
        return;
      }
      const others = this.nodes.filter((node) => node !== sender);
      const recipient = others[Math.floor(n / 2 / this.nodes.length) % others.length]!;
      const { outcome, output } = await sender.rest('direct.send', { agent_id: recipient.agentId, payload }, { timeout: ANSWER_MS });
      if (outcome !== 'ok') return;
      owe(recipient);
      if (output) this.#paths.set(`${sender.name} ${recipient.name}`, output.path);
    };
    const offered = await openLoop(act, { clock, rate: this.#rate, stop: AbortSignal.any([stop, signal]) });
    const arrived = (): boolean => [...expected].every(([node, count]) => this.#heard.get(node)!.size >= count);
    await eventually('all traffic has arrived', arrived, SETTLE_MS);
    const { seq } = record.observe('lab', 'traffic', 'done', offered);
    return { offered, range: [from, seq], number: (name) => ({ seq, at: `/data/${name}` }) };
  }

  /** The way by which the last direct message that was acknowledged went from one to the other. */
  path(from: NodeHandle, to: NodeHandle): string | undefined {
    return this.#paths.get(`${from.name} ${to.name}`);
  }

  /** As `run`, for so many ms. */
  runFor(ms: number): Promise<Stretch> {
    return this.run(this.#context.clock.timeout(ms));
  }

  /** As `run`, for as long as `work` takes. @throws what `work` throws, once all has arrived */
  async during(work: () => Promise<unknown>): Promise<Stretch> {
    const over = new AbortController();
    const running = this.run(over.signal);
    const working = work().finally(() => over.abort());
    await Promise.allSettled([working, running]);
    await working;
    return await running;
  }

  /** Claims that answers took no longer in a stretch, but for what a busy machine does, than in the one `before`. */
  claimPrompt(check: string, requirement: string, stretch: Stretch, before: Stretch): void {
    const prompt = claims.atMost(stretch.number('latency_p99_ms'), promptLimit(before), 'ms');
    this.#context.claim(check, requirement, 'MUST', prompt, { title: `at most ${PROMPT} before`, range: stretch.range });
  }

  /** Claims that nothing of a stretch was refused, lost, doubled or forged, under `check`. */
  claimWhole(check: string, requirement: string, { offered, range }: Stretch): void {
    const { claim } = this.#context;
    const must = (name: string, title: string, what: Claim): void => claim(`${check}/${name}`, requirement, 'MUST', what, { title, range });
    const processes = this.nodes.map(({ name }) => name);
    const published = { op: 'messaging.publish', processes, where: [{ at: '/input/topic', equals: this.topic }] };
    const sent = { op: 'direct.send', processes };
    const accepted = claims.countersAgree([{ operations: published }, { operations: sent }], [{ number: offered.offered }]);
    must('accepted', 'every operation is accepted', accepted);
    const gossip = claims.deliveredExactlyOnce({
      sends: published,
      key: '/input/payload',
      receivers: { nodes: processes },
      receipts: deliveries(this.topic, { nodes: this.nodes }),
      receiptKey: '/data/payload',
      receiptSender: '/data/sender',
    });
    must('published', 'what was published arrives everywhere, once', gossip);
    for (const node of this.nodes) {
      const direct = claims.deliveredExactlyOnce({
        sends: { ...sent, where: [{ at: '/input/agent_id', equals: node.agentId }] },
        key: '/input/payload',
        receivers: { nodes: [node.name] },
        receipts: { nodes: [node.name], stream: 'direct.events', event: 'direct_message' },
        receiptKey: '/payload',
        receiptSender: '/sender',
      });
      must(`direct/${node.name}`, `what was sent to ${node.name} arrives, once`, direct);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
