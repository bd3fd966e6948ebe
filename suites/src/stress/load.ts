/** Signed messages from every node to one topic, at a rate or as fast as they are taken, all of it recorded. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import type { EntriesClaim, Observations, SendsClaim } from '@muster/proof';
import { deliveries, openStream, payloadOf, subscribe } from '../nodes.ts';

const DEFAULT_MESSAGES = 1_000;
/** sends per node under way at once, when they are made as fast as they are taken */
const CLOSED_LOOP_DEPTH = 32;
/** sends per node under way at once before an open loop waits, and so falls behind */
const OPEN_LOOP_DEPTH = 512;
/** ms after its due time at which a send counts as late */
const LATE_MS = 100;
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

/** Subscribes every node. `share` of the messages asked for, but no fewer than `least`. @throws RangeError for fewer than 1 message, or a rate below 0 */
export async function prepareLoad(context: ScenarioContext, name: string, { share = 1, least = 0 } = {}): Promise<Load> {
  const topic = context.topic(name);
  const messages = Math.max(least, Math.ceil(setting(context, 'messages', DEFAULT_MESSAGES, 1) * share));
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

function setting({ settings }: ScenarioContext, name: string, standard: number, atLeast: number): number {
  const value = settings[name] ?? standard;
  if (typeof value !== 'number' || !(value >= atLeast)) throw new RangeError(`the setting ${name} must be a number of ${atLeast} or more`);
  return value;
}

/** Publishes everything and waits until it has arrived, or nothing arrives any more. */
export async function runLoad(context: ScenarioContext, load: Load): Promise<void> {
  const { clock, record } = context;
  const begun = clock.monotonic();
  const pace = load.rate > 0 ? openLoop : closedLoop;
  const lateness = (await Promise.all(load.nodes.map((node) => pace(context, load, node)))).flat();
  const published = clock.monotonic();
  await settle(context, load);
  const delivered = clock.monotonic();
  const planned = load.messages * load.nodes.length;
  const seconds = (from: number, to: number): number => Math.max(1, Math.round(to - from)) / 1_000;
  record.observe('lab', 'generator', 'done', {
    planned,
    offered: lateness.length,
    late: lateness.filter((ms) => ms > LATE_MS).length,
    worst_late_ms: Math.round(lateness.reduce((worst, ms) => Math.max(worst, ms), 0)),
    publish_seconds: seconds(begun, published),
    seconds: seconds(begun, delivered),
    published_per_second: Math.round(planned / seconds(begun, published)),
    delivered_per_second: Math.round((planned * load.nodes.length) / seconds(begun, delivered)),
  });
}

function publish(node: NodeHandle, { topic }: Load, n: number): Promise<unknown> {
  return node.rest('messaging.publish', { topic, payload: payloadOf(`${node.name}/${n}`) });
}

/** @returns for each send how many ms late it began: never, as the next begins when one is done */
async function closedLoop({ signal }: ScenarioContext, load: Load, node: NodeHandle): Promise<number[]> {
  const lateness: number[] = [];
  const worker = async (): Promise<void> => {
    while (lateness.length < load.messages && !signal.aborted) {
      const n = lateness.push(0);
      await publish(node, load, n);
    }
  };
  await Promise.all(Array.from({ length: CLOSED_LOOP_DEPTH }, worker));
  return lateness;
}

/** @returns for each send how many ms after its due time it began */
async function openLoop({ clock, signal }: ScenarioContext, load: Load, node: NodeHandle): Promise<number[]> {
  const begun = clock.monotonic();
  const period = 1_000 / load.rate;
  const lateness: number[] = [];
  const underWay = new Set<Promise<unknown>>();
  for (let n = 1; n <= load.messages && !signal.aborted; n++) {
    const due = begun + (n - 1) * period;
    const early = due - clock.monotonic();
    if (early > 1) await clock.sleep(early, signal);
    if (underWay.size >= OPEN_LOOP_DEPTH) await Promise.race(underWay);
    lateness.push(Math.max(0, clock.monotonic() - due));
    const sending: Promise<unknown> = publish(node, load, n).finally(() => underWay.delete(sending));
    underWay.add(sending);
  }
  await Promise.all(underWay);
  return lateness;
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
