/** Many nodes, of which none knows all others: what few of them say reaches all, and what goes to one gets there. */
import type { NodeHandle, ScenarioContext, Suite, Waited } from '@muster/lab';
import { claims } from '@muster/proof';
import { exercise, suiteOf } from '../exercise.ts';
import { agents } from './agents.ts';
import { churn } from './churn.ts';
import { deliveries, openStream, payloadOf, subscribe } from '../nodes.ts';

/** nodes that publish, and messages of each */
const PUBLISHERS = 5;
const MESSAGES = 2;
/** direct messages between nodes drawn by chance */
const PAIRS = 10;
/** ms in which interest is known everywhere, and a message is */
const KNOWN_LIMIT_MS = 10_000;
const ARRIVAL_LIMIT_MS = 10_000;
const LOOK_EVERY_MS = 100;
const PROBE_EVERY_MS = 1_000;
const LIMIT_MS = 900_000;

const probing = (topic: string): string => `${topic}.probe`;

interface Listening extends AsyncDisposable {
  readonly topic: string;
  readonly arrived: ReadonlyMap<string, ReadonlySet<string>>;
}

async function listenEverywhere(context: ScenarioContext): Promise<Listening> {
  const topic = context.topic('all');
  const arrived = new Map<string, Set<string>>();
  await using stack = new AsyncDisposableStack();
  for (const node of context.nodes) {
    const payloads = new Set<string>();
    arrived.set(node.name, payloads);
    stack.use(
      await openStream(context, node, 'messaging.events', ({ event, data }) => {
        if (event === 'message' && data.data.topic.startsWith(topic)) payloads.add(data.data.payload);
      }),
    );
    for (const one of [topic, probing(topic)]) stack.use(await subscribe(context, node, one));
  }
  const owned = stack.move();
  return { topic, arrived, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Probes until one is everywhere: from then on interest is known. */
async function known(context: ScenarioContext, { topic, arrived }: Listening, from: NodeHandle): Promise<Waited<true>> {
  let count = 0;
  return await context.eventually(
    'interest is known everywhere',
    async () => {
      const payload = payloadOf(`probe ${++count}`);
      await from.rest('messaging.publish', { topic: probing(topic), payload });
      await context.clock.sleep(PROBE_EVERY_MS, context.signal);
      return [...arrived.values()].every((payloads) => payloads.has(payload));
    },
    KNOWN_LIMIT_MS,
  );
}

const pubsub = (nodes: number) =>
  exercise<Listening>(
    {
      'scale.interest': 'Ten seconds after the last node subscribed, a message reaches all of them.',
      'scale.exactly-once': 'In a network where no node is linked to all others, a message reaches every subscriber exactly once.',
    },
    {
      id: 'scale/pubsub',
      title: `${nodes} nodes hear what ${PUBLISHERS} of them say`,
      needs: { nodes, capabilities: ['messaging.publish', 'messaging.subscribe', 'messaging.events'] },
      limit: LIMIT_MS,
      phases: {
        setup: listenEverywhere,
        async drive(context, listening) {
          const { claim, nodes: all, random } = context;
          const waited = await known(context, listening, all[0]!);
          claim('interest', 'scale.interest', 'MUST', claims.equals({ seq: waited.seq, at: '/data/held' }, true));
          const expected: string[] = [];
          for (let turn = 0; turn < PUBLISHERS * MESSAGES; turn++) {
            const payload = payloadOf(`message ${turn}`);
            expected.push(payload);
            await random.pick(all).rest('messaging.publish', { topic: listening.topic, payload });
          }
          await context.eventually(
            'all of it is everywhere',
            async () => {
              await context.clock.sleep(LOOK_EVERY_MS, context.signal);
              return [...listening.arrived.values()].every((payloads) => expected.every((payload) => payloads.has(payload)));
            },
            ARRIVAL_LIMIT_MS,
          );
        },
        async eventually({ claim, nodes: all }, { topic }) {
          const sends = { op: 'messaging.publish', where: [{ at: '/input/topic', equals: topic }] };
          const delivered = claims.deliveredExactlyOnce({
            sends,
            key: '/input/payload',
            receivers: { nodes: all.map(({ name }) => name) },
            receipts: deliveries(topic),
            receiptKey: '/data/payload',
            receiptSender: '/data/sender',
          });
          claim('exactly-once', 'scale.exactly-once', 'MUST', delivered);
        },
        async finally(_, listening) {
          await listening[Symbol.asyncDispose]();
        },
      },
    },
  );

const direct = (nodes: number) =>
  exercise(
    { 'scale.direct': 'A direct message between any two nodes that know each other is committed by its recipient before the answer.' },
    {
      id: 'scale/direct',
      title: `${PAIRS} direct messages among ${nodes} nodes`,
      needs: { nodes, capabilities: ['direct.send', 'direct.inbox', 'discovery.find'] },
      limit: LIMIT_MS,
      phases: {
        async drive({ claim, nodes: all, random }) {
          for (let turn = 1; turn <= PAIRS; turn++) {
            const from = random.pick(all);
            const to = random.pick(all.filter((node) => node !== from));
            await from.rest('discovery.find', { agent_id: to.agentId });
            const sent = await from.rest('direct.send', { agent_id: to.agentId, payload: payloadOf(`turn ${turn}`) });
            claim(`${turn}/sent`, 'scale.direct', 'MUST', claims.outcome(sent, 'ok'), { title: `${from.name} to ${to.name}` });
          }
        },
      },
    },
  );

export const scale = (nodes: number): Suite => suiteOf('scale', 'Many nodes', [pubsub(nodes), direct(nodes), agents(nodes), churn(nodes)]);
