import { drawn, type DrawnFault, type DrawnSchedule, type Fault, isOfNode, mendAll, type NodeHandle, type Schedule, type ScenarioContext, type Waited } from '@muster/lab'; // prettier-ignore
import { claims, type Json } from '@muster/proof';
import { inInbox, recordInbox } from '../durability/inbox-record.ts';
import { type Exercise, exercise } from '../exercise.ts';
import { untilMeshed } from '../links/peers.ts';
import { within } from '../links/timing.ts';
import { deliveries, openStream, payloadOf, setting, subscribe } from '../nodes.ts';
import { disturb, type Disturbance } from './disturb.ts';
import { Load } from './load.ts';
import { powersUsed, stormSchedule } from './storm-schedule.ts';

const CONVERGED_MS = 5_000;
const LINKED_MS = 20_000;
/** ms to wait for what the claim then judges: the healing itself takes time, too */
const PATIENCE_MS = 15_000;
/** s; `--duration` says otherwise */
const DEFAULT_SECONDS = 30;
/** ms for the last messages to arrive */
const DRAIN_MS = 15_000;
const LIMIT_MS = 24 * 3_600_000;

interface State extends AsyncDisposable {
  readonly schedule: DrawnSchedule;
  readonly load: Load;
  readonly begun: number;
  readonly topic: string;
  readonly probeTopic: string;
  /** nodes that nothing is done to: what they accept and what they are owed is counted */
  readonly steady: readonly NodeHandle[];
  /** payloads on the probe topic, by steady node */
  readonly heard: ReadonlyMap<NodeHandle, ReadonlySet<string>>;
  /** messages that steady nodes heard, on any topic */
  readonly messages: () => number;
}

/** `nodes`: how many; `written`: what happens, in place of what the seed makes */
export function storm(nodes: number, written?: Schedule): Exercise {
  return exercise<State>(
    {
      'chaos.serves':
        'While the network is in parts, nodes of each that still reach one another go on hearing each other, and who is alone hears itself.',
      'chaos.converges': 'Within 5 s after a fault was healed a new message of every node reaches every other.',
      'chaos.direct': 'Whatever happens, a direct message that was acknowledged stands in the inbox of its recipient, once.',
      'chaos.gossip': 'Whatever happens, what a node accepted for publishing reaches every subscriber that lived through it, once.',
    },
    {
      id: 'chaos/storm',
      title: 'load goes on through partitions, kills, pauses and bad paths, and nothing acknowledged is lost',
      needs: {
        nodes: written?.nodes.length ?? nodes,
        ...(written && { names: written.nodes }),
        wiring: 'proxied',
        powers: ['world', 'kill', 'pause', 'half-open'],
        uses: powersUsed(written),
        capabilities: ['direct.inbox', 'messaging.publish'],
      },
      limit: LIMIT_MS,
      phases: {
        async setup(context) {
          const { clock, powers, random, record } = context;
          const seconds = setting(context, 'duration', DEFAULT_SECONDS, 0);
          const schedule = drawn(written ?? stormSchedule(nodes, seconds, powers, random), random);
          record.observe('lab', 'schedule', 'drawn', schedule as unknown as Json);
          await untilMeshed(context, context.nodes, LINKED_MS);
          await using stack = new AsyncDisposableStack();
          const [topic, probeTopic] = [context.topic('load'), context.topic('probe')];
          const harmed = new Set(schedule.faults.flatMap(({ kind, on }) => (isOfNode(kind) ? on : [])));
          const steady = context.nodes.filter(({ name }) => !harmed.has(name));
          const heard = new Map(steady.map((node) => [node, new Set<string>()]));
          let messages = 0;
          for (const [node, payloads] of heard) {
            stack.use(await openStream(context, node, 'messaging.events', ({ event, data }) => {
              messages++;
              if (event === 'message' && data.data.topic === probeTopic) payloads.add(data.data.payload);
            })); // prettier-ignore
            for (const one of [topic, probeTopic]) stack.use(await subscribe(context, node, one));
          }
          const owned = stack.move();
          const load = new Load(context, topic, { ...schedule, faults: [] });
          const dispose = async (): Promise<void> => {
            await load.finish();
            await owned.disposeAsync();
          };
          const found = { schedule, topic, probeTopic, steady, heard, messages: () => messages };
          return { ...found, load, begun: clock.monotonic(), [Symbol.asyncDispose]: dispose };
        },
        async drive(context, state) {
          const { clock, record, signal } = context;
          for (const [index, faults] of overlapping(state.schedule.faults).entries()) {
            const early = state.begun + faults[0]!.at_ms - clock.monotonic();
            if (early > 0) await clock.sleep(early, signal);
            // A fault can only be shown on links that stand.
            await untilMeshed(context, context.nodes, LINKED_MS, 'all are linked before the next fault');
            await round(context, state, `${index + 1}-${faults.map(({ kind }) => kind).join('+')}`, faults);
          }
          await state.load.finish();
          record.observe('lab', 'schedule', 'done', { ms: clock.monotonic() - state.begun });
        },
        async quiet(context, { load, messages }) {
          // The last copies of messages that were delayed; what is lost shows in the claims.
          await context.eventually('nothing arrives any more', async () => {
            const before = messages() + load.answered;
            await context.clock.sleep(1_000, context.signal);
            return messages() + load.answered === before;
          }, DRAIN_MS); // prettier-ignore
          for (const node of context.nodes) await recordInbox(context, node);
        },
        async eventually({ claim, nodes: all }, { schedule, topic, steady }) {
          const { operations = [] } = schedule;
          const writtenTo = new Set(operations.flatMap((operation) => (operation.do === 'send' ? [operation.to] : [])));
          const publishes = operations.some((operation) => operation.do === 'publish');
          for (const node of all) {
            if (!schedule.load && !writtenTo.has(node.name)) continue;
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
          if (steady.length === 0 || !(schedule.load || publishes)) return;
          const names = steady.map(({ name }) => name);
          const received = deliveries(topic);
          const gossip = claims.deliveredExactlyOnce({
            sends: { op: 'messaging.publish', processes: names, where: [{ at: '/input/topic', equals: topic }] },
            key: '/input/payload',
            receivers: { nodes: names },
            receipts: {
              ...received,
              nodes: names,
              where: [...(received.where ?? []), { at: '/data/sender', in: steady.map(({ agentId }) => agentId) }],
            },
            receiptKey: '/data/payload',
            receiptSender: '/data/sender',
          });
          claim('gossip', 'chaos.gossip', 'MUST', gossip);
        },
        async finally(_, state) {
          await state[Symbol.asyncDispose]();
        },
      },
    },
  );
}

/** Faults that are there at one time belong together. */
function overlapping(faults: readonly DrawnFault[]): DrawnFault[][] {
  const groups: DrawnFault[][] = [];
  let end = -1;
  for (const fault of faults) {
    if (fault.at_ms < end) groups.at(-1)!.push(fault);
    else groups.push([fault]);
    end = Math.max(end, fault.at_ms + fault.for_ms);
  }
  return groups;
}

/** One fault, or several at one time; then all is as it was. */
async function round(context: ScenarioContext, state: State, name: string, planned: readonly DrawnFault[]): Promise<void> {
  const { clock, signal } = context;
  const first = planned[0]!.at_ms;
  const lasting = planned.map(async (fault, index) => {
    if (fault.at_ms > first) await clock.sleep(fault.at_ms - first, signal);
    const disturbance = await disturb(context, fault);
    if (planned.length === 1) await serves(context, state, name, disturbance);
    await clock.sleep(fault.for_ms, signal);
    // The last ones are healed where it is seen how fast all converges.
    if (planned.some((other, place) => place !== index && other.at_ms + other.for_ms > fault.at_ms + fault.for_ms))
      await Promise.all(disturbance.faults.map((one) => one.heal()));
    return disturbance.faults;
  });
  await heals(context, state, name, (await Promise.all(lasting)).flat());
}

/** Waits until a steady node has heard the text. */
function hears(context: ScenarioContext, { heard }: State, node: NodeHandle, text: string, limit: number): Promise<Waited<true>> {
  return context.eventually(`${node.name} hears "${text}"`, () => heard.get(node)!.has(payloadOf(text)), limit);
}

/** A message of one on each side reaches those of its side that listen. */
async function serves(context: ScenarioContext, state: State, name: string, { faults, sides }: Disturbance): Promise<void> {
  await Promise.all(sides.map((side) => sideServes(context, state, name, faults, side)));
}

async function sideServes(
  context: ScenarioContext,
  state: State,
  name: string,
  faults: readonly Fault[],
  side: readonly NodeHandle[],
): Promise<void> {
  const [first] = side;
  const listeners = side.filter((node) => state.heard.has(node));
  if (!first || listeners.length === 0) return;
  const text = `${name}: is anyone there but ${first.name}?`;
  await context.need(first.rest('messaging.publish', { topic: state.probeTopic, payload: payloadOf(text) }), `${first.name} can publish`);
  const waits = await Promise.all(listeners.map((node) => hears(context, state, node, text, CONVERGED_MS)));
  for (const [index, { seq }] of waits.entries()) {
    const served = claims.exists({ seq, at: '/data/ms' });
    context.claim(`${name}/serves/${listeners[index]!.name}`, 'chaos.serves', 'MUST', served, { needsFaults: faults });
  }
}

/** From the healing on, a new message of each node is on its way to all: the last to arrive says how long it took. */
async function heals(context: ScenarioContext, state: State, name: string, faults: readonly Fault[]): Promise<void> {
  // What a node says while its clock is still wrong is nothing that others must take.
  const mended = await mendAll(faults);
  const healing = Promise.all(faults.map((fault) => fault.heal()));
  const waits = await Promise.all(
    context.nodes.map(async (node): Promise<Waited<true>[]> => {
      const text = `${name}: ${node.name} is here`;
      const publishes = async (): Promise<boolean> =>
        (await node.rest('messaging.publish', { topic: state.probeTopic, payload: payloadOf(text) }, { timeout: 2_000 })).outcome === 'ok';
      const said = await context.eventually(`${node.name} takes a message`, publishes, PATIENCE_MS);
      if (!said.held) return [said];
      return Promise.all(state.steady.map((listener) => hears(context, state, listener, text, PATIENCE_MS)));
    }),
  );
  await healing;
  const all = waits.flat();
  const decisive = all.find(({ held }) => !held) ?? all.toSorted((a, b) => b.seq - a.seq)[0];
  if (!decisive) return;
  const converged = within(CONVERGED_MS, mended.at(-1) ?? faults.at(-1)!, 'healed', decisive);
  context.claim(`${name}/converges`, 'chaos.converges', 'MUST', converged, { needsFaults: faults });
}
