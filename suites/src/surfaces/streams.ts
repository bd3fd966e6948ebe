import { type Capability, cliForm } from '@muster/contract';
import {
  commandLine,
  commandStream,
  DeadlineError,
  type Following,
  followCommand,
  followRaw,
  type NodeHandle,
  rawStream,
  scenario,
  type ScenarioContext,
} from '@muster/lab';
import { claims, type Json, type Observations } from '@muster/proof';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, countersOf, openStream, twoOf } from '../nodes.ts';
import { type Cast, make, prepared } from './examples.ts';
import { frameType, type Socket, socketFor, socketsOf, type Stream, streamsOf, surfacesOf } from './plan.ts';
import { required } from './requirements.ts';
import { SocketCalls } from './socket.ts';

const LINK_LIMIT_MS = 5_000;
const OPEN_LIMIT_MS = 5_000;
/** event streams open at once: the client's, the plain one, and the command's */
const LISTENERS = 3;
const { answers, complete, streams } = required;

export const sameEvents = scenario({
  id: 'surfaces/streams',
  title: 'an event reaches all who listen, whatever they listen by',
  requirements: [answers.id, streams.id, complete.id],
  needs: { nodes: 2, surfaces: ['cli', 'sse', 'ws'], capabilities: ['status.metrics'] },
  phases: {
    async drive(context) {
      const [self, peer] = twoOf(context);
      await untilLinked(context, self, peer, LINK_LIMIT_MS);
      for (const socket of socketsOf(context)) await opens(context, self, socket);
      for (const stream of streamsOf(context)) {
        await using listeners = await listen(context, { self, peer }, stream);
        const trigger = stream.example?.trigger;
        if (trigger !== undefined && trigger !== 'peer-restart')
          await listeners.hear(async () => void (await make({ self, peer }, trigger)), ARRIVAL_LIMIT_MS);
      }
      context.claim('complete', complete.id, 'MUST', claims.answered([...socketsOf(context), ...streamsOf(context)].flatMap(surfacesOf)));
    },
  },
});

/** A socket takes the token in a header or in its address, and says first whose it is. */
async function opens(context: ScenarioContext, node: NodeHandle, socket: Socket): Promise<void> {
  for (const token of ['header', 'query'] as const) {
    await using calls = await SocketCalls.open(context, node, socket, token);
    context.claim(`${socket.name}/${token}`, answers.id, 'MUST', claims.outcome(calls.frames.opening, 'ok'));
    await calls.settled();
    const seen: Observations = { nodes: [node.name], stream: socket.name, event: 'connected', where: [{ at: '/agent_id', equals: node.agentId }] };
    context.claim(`${socket.name}/${token}-connected`, answers.id, 'MUST', claims.occurs(seen, { atLeast: 1 }));
  }
}

export interface Listeners extends AsyncDisposable {
  /** Has something happen, and claims that its first event reached every listener once, and the same. */
  hear(happen: () => Promise<void>, within: number): Promise<void>;
}

/** Listens to a stream on every surface that has it; that each opens is claimed. */
export async function listen(context: ScenarioContext, cast: Cast, stream: Stream): Promise<Listeners> {
  const { claim, eventually } = context;
  const { self } = cast;
  const { name } = stream;
  await using stack = new AsyncDisposableStack();
  const { frame } = await prepared(context, cast, stream, name);
  const before = await openStreams(self);
  const typed = stack.use(await openStream(context, self, name));
  const raw = stack.use(await followRaw(context, self, name));
  // The command says nothing until there is something to say: the node counts who listens.
  const ready = () => eventually('the command listens', async () => (await openStreams(self)) >= before + LISTENERS, OPEN_LIMIT_MS);
  const command = cliForm(stream) && stack.use(await followCommand({ ...context, ready }, self, stream, commandLine(stream, {}), {}));
  const opened = { client: typed, rest: raw, ...(command && { cli: command }) };
  for (const [surface, { opening }] of Object.entries(opened)) claim(`${name}/opens-${surface}`, answers.id, 'MUST', claims.outcome(opening, 'ok'));
  const type = frameType(stream);
  const socket = type === undefined ? undefined : socketFor(context, type);
  const frames = socket && stack.use(await SocketCalls.open(context, self, socket));
  if (frames && stream.example?.frame) await frames.call(name, { type: 'subscribe', ...frame });
  else if (frames)
    await context.record.operation({ process: self.name, surface: 'ws', op: name, input: {} }, async () => ({ outcome: 'ok', output: null }));
  const owned = stack.move();

  return {
    async hear(happen, within) {
      const from = typed.count;
      await happen();
      const isNew = (_: unknown): boolean => typed.count > from;
      await quietly(typed.first(isNew, { within, what: 'an event', signal: context.signal }));
      const first = typed.events[typed.events.length - (typed.count - from)];
      claim(`${name}/comes`, streams.id, 'MUST', claims.occurs({ nodes: [self.name], stream: name }, { atLeast: 1 }));
      if (!first || typed.count === from) return;
      const { data } = first.event as { readonly data: Json };
      const same: Observations['where'] = [{ at: '', equals: data }];
      const heardBy = async (surface: string, select: Observations, arrived: () => boolean): Promise<void> => {
        await eventually(`${surface} hears of it`, arrived, within);
        claim(`${name}/${surface}`, streams.id, 'MUST', claims.occurs({ nodes: [self.name], ...select }, { atLeast: 1, atMost: 1 }));
      };
      const arrived = (following: Following<Json>) => () => following.events.some(({ event }) => JSON.stringify(event) === JSON.stringify(data));
      await heardBy('rest', { stream: rawStream(name), where: same }, arrived(raw));
      if (command) await heardBy('cli', { stream: commandStream(name), where: same }, arrived(command));
      if (!frames || !socket) return;
      const where = sharedFields(data, socket, type!);
      const fits = (event: object): boolean => where.every(({ at, equals }) => (event as Record<string, unknown>)[at.slice(1)] === equals);
      await heardBy('ws', { stream: socket.name, event: type, where }, () =>
        frames.frames.events.some(({ event }) => event.type === type && fits(event)),
      );
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What an event and the frame that brings the same have in common, as the frame must say it. */
function sharedFields(data: Json, { events }: Capability, type: string): { readonly at: string; readonly equals: Json }[] {
  const flat = ((data as { readonly data?: Json }).data ?? data) as Readonly<Record<string, Json>>;
  const schema = events[type] as unknown as { readonly shape: Readonly<Record<string, unknown>> };
  return Object.keys(schema.shape)
    .filter((field) => field !== 'type' && Object.hasOwn(flat, field))
    .map((field) => ({ at: `/${field}`, equals: flat[field]! }));
}

async function openStreams(node: NodeHandle): Promise<number> {
  return (await countersOf(node)).get('http_streams') ?? 0;
}

/** Whether it came is for a claim to say. */
async function quietly(waiting: Promise<unknown>): Promise<void> {
  await waiting.catch((error: unknown) => {
    if (!(error instanceof DeadlineError)) throw error;
  });
}
