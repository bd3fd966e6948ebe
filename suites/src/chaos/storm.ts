import { type Fault, type FaultTools, type NodeHandle, PARTITION_SHAPES, type PartitionShape, type ScenarioContext, type Waited } from '@muster/lab';
import { claims } from '@muster/proof';
import { inInbox, recordInbox } from '../durability/inbox-record.ts';
import { exercise } from '../exercise.ts';
import { publish } from '../links/listener.ts';
import { untilMeshed } from '../links/peers.ts';
import { within } from '../links/timing.ts';
import { deliveries, openStream, payloadOf, subscribe } from '../nodes.ts';
import { Background } from './background.ts';

const NODES = 5;
/** nodes that are never killed: what they accept and what they are owed is counted */
const STEADY = 3;
const CONVERGED_MS = 5_000;
const LINKED_MS = 20_000;
/** ms to wait for what the claim then judges: the healing itself takes time, too */
const PATIENCE_MS = 15_000;
/** s; `--duration` says otherwise */
const DEFAULT_SECONDS = 30;
/** ms a fault stays: too short to be noticed, or longer than the detector of lost peers */
const HOLD_MS = [1_500, 4_000, 14_000];
/** ms for the last messages to arrive */
const DRAIN_MS = 15_000;
const LIMIT_MS = 24 * 3_600_000;

/** ms */
const SKEW_MS = 20_000;
const SLOW_SYNC_MS = 40;

type Kind = PartitionShape | 'kill' | 'kill-minority' | 'pause' | 'bad-paths' | 'cut-message' | keyof typeof NEEDS_POWER;
/** what not every target can do */
const NEEDS_POWER = { 'power-loss': 'power', 'clock-skew': 'clock', 'disk-full': 'disk', 'disk-slow': 'disk' } as const;
const KINDS: readonly Kind[] = [...PARTITION_SHAPES, 'kill', 'kill-minority', 'pause', 'bad-paths', 'cut-message'];

function kindsOf({ powers }: ScenarioContext): Kind[] {
  const further = (Object.keys(NEEDS_POWER) as (keyof typeof NEEDS_POWER)[]).filter((kind) => powers.includes(NEEDS_POWER[kind]));
  return [...KINDS, ...further];
}

interface Load extends AsyncDisposable {
  readonly background: Background;
  readonly topic: string;
  readonly probeTopic: string;
  /** payloads on the probe topic, by steady node */
  readonly heard: ReadonlyMap<NodeHandle, ReadonlySet<string>>;
  /** events of all steady nodes so far */
  arrivals(): number;
}

interface Disturbance {
  readonly faults: readonly Fault[];
  /** nodes that still reach one another, at least two of them */
  readonly together: readonly NodeHandle[];
}

export const storm = exercise<Load>(
  {
    'chaos.serves': 'While the network is in parts, nodes that still reach one another go on hearing each other.',
    'chaos.converges': 'Within 5 s after a fault was healed a new message of every node reaches every other.',
    'chaos.direct': 'Whatever happens, a direct message that was acknowledged stands in the inbox of its recipient, once.',
    'chaos.gossip': 'Whatever happens, what a node accepted for publishing reaches every subscriber that lived through it, once.',
  },
  {
    id: 'chaos/storm',
    title: 'load goes on through partitions, kills, pauses and bad paths, and nothing acknowledged is lost',
    needs: { nodes: NODES, wiring: 'proxied', powers: ['world', 'kill', 'pause', 'half-open'], capabilities: ['direct.inbox', 'messaging.publish'] },
    limit: LIMIT_MS,
    phases: {
      async setup(context) {
        const { nodes } = context;
        await untilMeshed(context, nodes, LINKED_MS);
        await using stack = new AsyncDisposableStack();
        const [topic, probeTopic] = [context.topic('load'), context.topic('probe')];
        const heard = new Map(nodes.slice(0, STEADY).map((node) => [node, new Set<string>()]));
        let arrivals = 0;
        for (const [node, payloads] of heard) {
          stack.use(await openStream(context, node, 'messaging.events', ({ event, data }) => {
            arrivals++;
            if (event === 'message' && data.data.topic === probeTopic) payloads.add(data.data.payload);
          })); // prettier-ignore
          for (const one of [topic, probeTopic]) stack.use(await subscribe(context, node, one));
        }
        const background = new Background(context, topic);
        const owned = stack.move();
        const dispose = async (): Promise<void> => {
          await background.stop();
          await owned.disposeAsync();
        };
        return { background, topic, probeTopic, heard, arrivals: () => arrivals, [Symbol.asyncDispose]: dispose };
      },
      async drive(context, load) {
        const { clock, random, settings } = context;
        const seconds = typeof settings['duration'] === 'number' ? settings['duration'] : DEFAULT_SECONDS;
        const until = clock.monotonic() + seconds * 1_000;
        let left: Kind[] = [];
        for (let round = 1; round === 1 || clock.monotonic() < until; round++) {
          if (left.length === 0) left = kindsOf(context);
          const [kind] = left.splice(random.integer(left.length), 1) as [Kind];
          // A fault can only be shown on links that stand.
          await untilMeshed(context, context.nodes, LINKED_MS, 'all are linked before the next fault');
          const disturbance = await disturb(context, kind);
          await serves(context, load, `${round}-${kind}`, disturbance);
          await clock.sleep(random.pick(HOLD_MS), context.signal);
          await heals(context, load, `${round}-${kind}`, disturbance.faults);
        }
        await load.background.stop();
      },
      async quiet(context, load) {
        // The last copies of messages that were delayed; what is lost shows in the claims.
        await context.eventually('nothing arrives any more', async () => {
          const before = load.arrivals();
          await context.clock.sleep(1_000, context.signal);
          return load.arrivals() === before;
        }, DRAIN_MS); // prettier-ignore
        for (const node of context.nodes) await recordInbox(context, node);
      },
      async eventually({ claim, nodes }, { topic }) {
        for (const node of nodes) {
          const once = claims.deliveredExactlyOnce({
            sends: { op: 'direct.send', where: [{ at: '/input/agent_id', equals: node.agentId }] },
            key: '/input/payload',
            receivers: { nodes: [node.name] },
            receipts: inInbox(node),
            receiptKey: '/payload',
            receiptSender: '/sender',
          });
          claim(`direct/${node.name}`, 'chaos.direct', 'MUST', once);
        }
        const steady = nodes.slice(0, STEADY).map(({ name }) => name);
        const senders = nodes.slice(0, STEADY).map(({ agentId }) => agentId);
        const received = deliveries(topic);
        const gossip = claims.deliveredExactlyOnce({
          sends: { op: 'messaging.publish', processes: steady, where: [{ at: '/input/topic', equals: topic }] },
          key: '/input/payload',
          receivers: { nodes: steady },
          receipts: { ...received, nodes: steady, where: [...(received.where ?? []), { at: '/data/sender', in: senders }] },
          receiptKey: '/data/payload',
          receiptSender: '/data/sender',
        });
        claim('gossip', 'chaos.gossip', 'MUST', gossip);
      },
      async finally(_, load) {
        await load[Symbol.asyncDispose]();
      },
    },
  },
);

async function disturb({ faults, links, nodes, random }: ScenarioContext, kind: Kind): Promise<Disturbance> {
  const mortal = nodes.slice(STEADY);
  const all = (lost: readonly NodeHandle[]): NodeHandle[] => nodes.filter((node) => !lost.includes(node));
  switch (kind) {
    case 'kill':
    case 'kill-minority': {
      const victims = kind === 'kill' ? [random.pick(mortal)] : mortal;
      return { faults: await Promise.all(victims.map((node) => faults.kill(node))), together: all(victims) };
    }
    case 'pause': {
      const victim = random.pick(mortal);
      return { faults: [await faults.pause(victim)], together: all([victim]) };
    }
    case 'bad-paths':
      return { faults: [await faults.badPaths('all', { delayMs: 40, jitterMs: 60, loss: 0.02 })], together: nodes };
    case 'cut-message': {
      const link = random.pick(links);
      const end = random.pick([link.from, link.to]);
      const sender = nodes.find(({ name }) => name === end)!;
      return { faults: [await faults.cutMessage(link, sender)], together: nodes };
    }
    case 'power-loss': {
      const victim = random.pick(mortal);
      return { faults: [await faults.losePower(victim)], together: all([victim]) };
    }
    case 'clock-skew': {
      const victim = random.pick(mortal);
      return { faults: [await faults.skewClock(victim, random.pick([SKEW_MS, -SKEW_MS]))], together: all([victim]) };
    }
    case 'disk-full': {
      const victim = random.pick(mortal);
      return { faults: [await faults.fillDisk(victim)], together: all([victim]) };
    }
    case 'disk-slow': {
      const victim = random.pick(mortal);
      return { faults: [await faults.slowDisk(victim, SLOW_SYNC_MS)], together: all([victim]) };
    }
    default:
      return parted(await faults.partition(kind), nodes);
  }
}

function parted(fault: Awaited<ReturnType<FaultTools['partition']>>, nodes: readonly NodeHandle[]): Disturbance {
  const largest = fault.partition.groups.toSorted((a, b) => b.length - a.length)[0]!;
  return { faults: [fault], together: nodes.filter(({ name }) => largest.includes(name)) };
}

/** Waits until a steady node has heard the text. */
function hears(context: ScenarioContext, { heard }: Load, node: NodeHandle, text: string, limit: number): Promise<Waited<true>> {
  return context.eventually(`${node.name} hears "${text}"`, () => heard.get(node)!.has(payloadOf(text)), limit);
}

/** A message of one that is left reaches those left that listen. */
async function serves(context: ScenarioContext, load: Load, round: string, { faults, together }: Disturbance): Promise<void> {
  const text = `${round}: is anyone there?`;
  await publish(context, together[0]!, load.probeTopic, text);
  const listeners = together.filter((node) => load.heard.has(node));
  const waits = await Promise.all(listeners.map((node) => hears(context, load, node, text, CONVERGED_MS)));
  for (const [index, { seq }] of waits.entries()) {
    const served = claims.exists({ seq, at: '/data/ms' });
    context.claim(`${round}/serves/${listeners[index]!.name}`, 'chaos.serves', 'MUST', served, { needsFaults: faults });
  }
}

/** From the healing on, a new message of each node is on its way to all: the last to arrive says how long it took. */
async function heals(context: ScenarioContext, load: Load, round: string, faults: readonly Fault[]): Promise<void> {
  const healing = Promise.all(faults.map((fault) => fault.heal()));
  const waits = await Promise.all(
    context.nodes.map(async (node): Promise<Waited<true>[]> => {
      const text = `${round}: ${node.name} is here`;
      const publishes = async (): Promise<boolean> =>
        (await node.rest('messaging.publish', { topic: load.probeTopic, payload: payloadOf(text) }, { timeout: 2_000 })).outcome === 'ok';
      const said = await context.eventually(`${node.name} takes a message`, publishes, PATIENCE_MS);
      if (!said.held) return [said];
      return Promise.all([...load.heard.keys()].map((listener) => hears(context, load, listener, text, PATIENCE_MS)));
    }),
  );
  await healing;
  const all = waits.flat();
  const decisive = all.find(({ held }) => !held) ?? all.toSorted((a, b) => b.seq - a.seq)[0]!;
  const converged = within(CONVERGED_MS, faults.at(-1)!, 'healed', decisive);
  context.claim(`${round}/converges`, 'chaos.converges', 'MUST', converged, { needsFaults: faults });
}
