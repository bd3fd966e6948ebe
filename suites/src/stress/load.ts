/** Signed messages from every node to one topic, at a rate or as fast as they are taken, all of it recorded. */
import { type NodeHandle, openLoop, type ScenarioContext } from '@muster/lab';
import type { EntriesClaim, Observations, SendsClaim } from '@muster/proof';
import { deliveries, openStream, payloadOf, setting, subscribe } from '../nodes.ts';

export const DEFAULT_MESSAGES = 1_000;
/** sends per node under way at once, when they are made as fast as they are taken */
const CLOSED_LOOP_DEPTH = 32;
/** ms without any delivery, while some are missing, after which they count as lost */
const QUIET_LIMIT_MS = 3_000;
const LOOK_EVERY_MS = 5;

export interface Load extends AsyncDisposable {
  readonly topic: string;
  readonly nodes: readonly NodeHandle[];
  /** per node */
  readonly messages: number;
  /** per node and second; 0: as fast as they are taken */
  readonly rate: number;
  /** distinct payloads that each node has delivered */
  readonly arrived: readonly ReadonlySet<string>[];
}

/** What the generator managed, as observed: a shortfall is the harness's own. */
export const GENERATOR: Observations = { nodes: ['lab'], stream: 'generator', event: 'done' };

/** Subscribes every node. `share` of the messages asked for, but no fewer than `least` of them. @throws RangeError for fewer than 1 message, or a rate below 0 */
export async function prepareLoad(context: ScenarioContext, name: string, { share = 1, least = 0 } = {}): Promise<Load> {
  const topic = context.topic(name);
  const asked = setting(context, 'messages', DEFAULT_MESSAGES, 1);
  const messages = Math.min(Math.ceil(asked), Math.max(least, Math.ceil(asked * share)));
  const rate = setting(context, 'rate', 0, 0);
  await using stack = new AsyncDisposableStack();
  const arrived = await Promise.all(
    context.nodes.map(async (node) => {
      const payloads = new Set<string>();
      const opened = await openStream(context, node, 'messaging.events', ({ event, data }) => {
        if (event === 'message' && data.data.topic === topic) payloads.add(data.data.payload);
      });
      stack.use(opened);
      stack.use(await subscribe(context, node, topic));
      return payloads;
    }),
  );
  const owned = stack.move();
  return { topic, nodes: context.nodes, messages, rate, arrived, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Publishes everything and waits until it has arrived, or nothing arrives any more. */
export async function runLoad(context: ScenarioContext, load: Load): Promise<void> {
  const { clock, record, signal } = context;
  const begun = clock.monotonic();
  const planned = load.messages * load.nodes.length;
  const offered =
    load.rate > 0
      ? // All nodes are one target: the generator is one, and so is what it manages.
        await openLoop((n) => publish(load.nodes[n % load.nodes.length]!, load, Math.floor(n / load.nodes.length) + 1), {
          clock,
          rate: load.rate * load.nodes.length,
          count: planned,
          stop: signal,
        })
      : { offered: await closedLoop(context, load), late: 0, held_back: 0 };
  const published = clock.monotonic();
  await settle(context, load);
  const delivered = clock.monotonic();
  const seconds = (from: number, to: number): number => Math.max(1, Math.round(to - from)) / 1_000;
  record.observe('lab', 'generator', 'done', {
    ...offered,
    planned,
    publish_seconds: seconds(begun, published),
    seconds: seconds(begun, delivered),
    published_per_second: Math.round(planned / seconds(begun, published)),
    delivered_per_second: Math.round((planned * load.nodes.length) / seconds(begun, delivered)),
  });
}

function publish(node: NodeHandle, { topic }: Load, n: number): Promise<unknown> {
  return node.rest('messaging.publish', { topic, payload: payloadOf(`${node.name}/${n}`) });
}

/** The next begins when one is done. @returns how many were sent */
async function closedLoop({ signal }: ScenarioContext, load: Load): Promise<number> {
  const counts = await Promise.all(
    load.nodes.map(async (node) => {
      let sent = 0;
      const worker = async (): Promise<void> => {
        while (sent < load.messages && !signal.aborted) await publish(node, load, ++sent);
      };
      await Promise.all(Array.from({ length: CLOSED_LOOP_DEPTH }, worker));
      return sent;
    }),
  );
  return counts.reduce((sum, sent) => sum + sent, 0);
}

/** Ends when each node has delivered everything, or when nothing has come for long. */
async function settle({ clock, signal }: ScenarioContext, { nodes, messages, arrived }: Load): Promise<void> {
  const expected = messages * nodes.length * nodes.length;
  let seen = 0;
  let since = clock.monotonic();
  for (;;) {
    const now = arrived.reduce((sum, payloads) => sum + payloads.size, 0);
    if (now >= expected) return;
    if (now !== seen) [seen, since] = [now, clock.monotonic()];
    else if (clock.monotonic() - since > QUIET_LIMIT_MS) return;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** The sends of a load, each owed to every node. */
export function sendsOf({ topic, nodes }: Load): SendsClaim {
  return {
    sends: { op: 'messaging.publish', where: [{ at: '/input/topic', equals: topic }] },
    key: '/input/payload',
    receivers: { nodes: nodes.map(({ name }) => name) },
  };
}

/** What nodes delivered of a load. */
export function deliveredOf({ topic }: Load): EntriesClaim {
  return { observe: deliveries(topic), key: '/data/payload' };
}
