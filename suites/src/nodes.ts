/** What scenarios of all suites do with nodes: pick them, follow them, name what they are expected to say. */
import type { StreamName } from '@muster/client';
import type { Capability, EventOf, Registry } from '@muster/contract';
import { DeadlineError, type Following, type NodeHandle, type OperationOptions, PrerequisiteFailed, type ScenarioContext } from '@muster/lab';
import { claims, type Observations, RESOURCES } from '@muster/proof';
import { toBase64, utf8Bytes } from '@muster/protocol';

/** ms that a message between linked nodes on one host may take before it counts as lost */
export const ARRIVAL_LIMIT_MS = 3_000;

type StreamEvent<N extends StreamName> = EventOf<Extract<Registry[N], Capability>>;
export type MessageEvents = Following<StreamEvent<'messaging.events'>>;
export type DirectEvents = Following<StreamEvent<'direct.events'>>;

/** The first two nodes of the world. */
export function twoOf({ nodes }: Pick<ScenarioContext, 'nodes'>): readonly [NodeHandle, NodeHandle] {
  const [one, other] = nodes;
  if (!one || !other) throw new RangeError('the scenario needs two nodes');
  return [one, other];
}

/** The first three nodes of the world. */
export function threeOf({ nodes }: Pick<ScenarioContext, 'nodes'>): readonly [NodeHandle, NodeHandle, NodeHandle] {
  const [one, other, third] = nodes;
  if (!one || !other || !third) throw new RangeError('the scenario needs three nodes');
  return [one, other, third];
}

export function payloadOf(text: string): string {
  return toBase64(utf8Bytes(text));
}

/** Opens a stream that the scenario cannot do without: a refusal is claimed as a failure and ends the scenario. */
export async function openStream<N extends StreamName>(
  context: ScenarioContext,
  node: NodeHandle,
  name: N,
  onEvent?: (event: StreamEvent<N>) => void,
): Promise<Following<StreamEvent<N>>> {
  try {
    return await node.follow(name, { ...(onEvent && { onEvent }) });
  } catch (error) {
    if (error instanceof PrerequisiteFailed) await context.need(error.operation, `${node.name} opens ${name}`);
    throw error;
  }
}

/** Subscribes until disposed. A refusal is claimed as a failure and ends the scenario. */
export async function subscribe(context: ScenarioContext, node: NodeHandle, topic: string, options: OperationOptions = {}): Promise<AsyncDisposable> {
  const { subscription_id: id } = await context.need(node.rest('messaging.subscribe', { topic }, options), `${node.name} subscribes`);
  return {
    async [Symbol.asyncDispose]() {
      await node.rest('messaging.unsubscribe', { id });
    },
  };
}

/** Waits for an event. Whether it came is for a claim to say: when it does not, this just ends. */
export async function arrival<Event>(
  { signal }: Pick<ScenarioContext, 'signal'>,
  following: Following<Event>,
  what: string,
  wanted: (event: Event) => boolean,
  within: number = ARRIVAL_LIMIT_MS,
): Promise<void> {
  await following.first(wanted, { within, what, signal }).catch((error: unknown) => {
    if (!(error instanceof DeadlineError)) throw error;
  });
}

/** Waits for one published payload. */
export function published(context: ScenarioContext, events: MessageEvents, topic: string, payload: string): Promise<void> {
  return arrival(
    context,
    events,
    'a published message',
    ({ event, data }) => event === 'message' && data.data.topic === topic && data.data.payload === payload,
  );
}

/** Waits for one direct payload. */
export function received(context: ScenarioContext, events: DirectEvents, payload: string): Promise<void> {
  return arrival(context, events, 'a direct message', ({ data }) => data.payload === payload);
}

/** Messages of a topic as nodes delivered them on `/events`; of one payload, when given. */
export function deliveries(topic: string, { nodes, payload }: { nodes?: readonly NodeHandle[]; payload?: string } = {}): Observations {
  const where = [{ at: '/data/topic', equals: topic }, ...(payload === undefined ? [] : [{ at: '/data/payload', equals: payload }])];
  return { stream: 'messaging.events', event: 'message', where, ...(nodes && { nodes: nodes.map(({ name }) => name) }) };
}

/** Direct messages with this payload, as a node delivered them on `/direct/events`. */
export function directDeliveries(node: NodeHandle, payload: string): Observations {
  return { nodes: [node.name], stream: 'direct.events', event: 'direct_message', where: [{ at: '/payload', equals: payload }] };
}

/** Where the inbox of a node ends now, to read on from later; undefined while it is empty. What is in it is nobody's evidence. */
export async function inboxEnd(context: ScenarioContext, node: NodeHandle): Promise<string | undefined> {
  let end: string | undefined;
  try {
    for (;;) {
      const { next } = await node.client.direct.inbox({ limit: 1000, ...(end !== undefined && { after: end }) }, context);
      if (next === null) return end;
      end = next;
    }
  } catch (error) {
    await context.need(node.rest('direct.inbox', { limit: 1 }), `${node.name} shows its inbox`);
    throw error;
  }
}

/** The messages committed since `after`, as one recorded operation. */
export function readInbox(node: NodeHandle, after: string | undefined) {
  return node.rest('direct.inbox', { limit: 1000, ...(after !== undefined && { after }) });
}

/** Puts a contact back to how it was found; returns what does that. */
export async function keepContact({ need }: ScenarioContext, node: NodeHandle, agentId: string): Promise<() => Promise<void>> {
  const { contacts } = await need(node.rest('contacts.list'), `${node.name} lists its contacts`);
  const before = contacts.find((contact) => contact.agent_id === agentId);
  return async () => {
    if (before) await node.rest('contacts.setTrust', { agent_id: agentId, level: before.trust_level });
    else await node.rest('contacts.remove', { agent_id: agentId });
  };
}

/** A number that was asked for, else the standard one. @throws RangeError for what is no number, or too small a one */
export function setting({ settings }: Pick<ScenarioContext, 'settings'>, name: string, standard: number, atLeast: number): number {
  const value = settings[name] ?? standard;
  if (typeof value !== 'number' || !(value >= atLeast)) throw new RangeError(`the setting ${name} must be a number of ${atLeast} or more`);
  return value;
}

/** Values of the node's counters, by name without its prefix; none when it tells none. */
export async function countersOf(node: NodeHandle): Promise<ReadonlyMap<string, number>> {
  const { output } = await node.rest('status.metrics');
  const lines = String(output ?? '').matchAll(/^muster_(\S+) (\d+)$/gm);
  return new Map([...lines].map(([, name = '', value]) => [name, Number(value)]));
}

/** Resident bytes, as the node says itself; undefined where it does not, as on virtual time. */
export async function memoryOf(node: NodeHandle): Promise<number | undefined> {
  return (await countersOf(node)).get('process_resident_memory_bytes');
}

/** Claims that what the system knows of the nodes' processes stays below `most`. Of processes of this host only. */
export function claimBounded(
  { claim }: Pick<ScenarioContext, 'claim'>,
  prefix: string,
  requirement: string,
  nodes: readonly NodeHandle[],
  most: Readonly<Record<string, number>>,
): void {
  if (nodes.some(({ target }) => !target.local)) return;
  const samples = { nodes: nodes.map(({ name }) => name), stream: RESOURCES };
  for (const [at, limit] of Object.entries(most))
    claim(`${prefix}bounded${at}`, requirement, 'MUST', claims.resourceEnvelope({ samples, at, most: limit }));
}
