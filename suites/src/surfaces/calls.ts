import { type Capability, cliForm, registry } from '@muster/contract';
import type { CallName } from '@muster/client';
import {
  commandLine,
  followCommand,
  type NodeHandle,
  type Operation,
  PrerequisiteFailed,
  type Scenario,
  scenario,
  type ScenarioContext,
} from '@muster/lab';
import { claims, type Json } from '@muster/proof';
import { untilLinked } from '../links/peers.ts';
import { twoOf } from '../nodes.ts';
import { type Cast, prepared } from './examples.ts';
import { type Call, callsOf, frameType, isCall, socketFor, surfacesOf } from './plan.ts';
import { required } from './requirements.ts';
import { SocketCalls } from './socket.ts';

const LINK_LIMIT_MS = 5_000;
/** each makes a process of the command line */
const READS_AT_ONCE = 2;
const { answers, alike, complete } = required;

/** One scenario for each family, so that what fails is found and what is looked for is run alone. */
export const sameAnswers: readonly Scenario[] = [
  ...new Set(
    Object.values<Capability>(registry)
      .filter(isCall)
      .map(({ family }) => family),
  ),
].map((family) =>
  scenario({
    id: `surfaces/calls-${family}`,
    title: `every capability of ${family} answers on every surface, and the same`,
    requirements: [answers.id, alike.id, complete.id],
    needs: { nodes: 2, surfaces: ['cli', 'client', 'ws'] },
    phases: {
      async drive(context) {
        const [self, peer] = twoOf(context);
        const cast = { self, peer };
        const calls = callsOf(context).filter((call) => call.family === family);
        if (calls.length === 0) return;
        await untilLinked(context, self, peer, LINK_LIMIT_MS);
        const type = calls.map(frameType).find((each) => each !== undefined);
        await using frames = type === undefined ? undefined : await openFor(context, self, type);
        const reads = calls.filter(({ method }) => method === 'GET').values();
        const reader = async (): Promise<void> => {
          for (const call of reads) await everywhere(context, cast, call, frames);
        };
        // What changes something changes it alone, and before anything is read.
        for (const call of calls) if (call.method !== 'GET') await everywhere(context, cast, call, frames);
        await Promise.all(Array.from({ length: READS_AT_ONCE }, reader));
        context.claim('complete', complete.id, 'MUST', claims.answered(calls.flatMap(surfacesOf)));
      },
    },
  }),
);

async function openFor(context: ScenarioContext, node: NodeHandle, type: string): Promise<SocketCalls | undefined> {
  const socket = socketFor(context, type);
  return socket && (await SocketCalls.open(context, node, socket));
}

/** Each call is prepared anew, so that none meets what the one before left. */
async function everywhere(context: ScenarioContext, cast: Cast, call: Call, frames: SocketCalls | undefined): Promise<void> {
  const { claim } = context;
  const { self } = cast;
  const { name, volatile } = call;
  const ready = (surface: string) => prepared(context, cast, call, `${name}/${surface}`);

  const rest = await self.rest(name, (await ready('rest')).input as never);
  claim(`${name}/rest`, answers.id, 'MUST', claims.outcome(rest, 'ok'));
  if (call.surfaces.client === true) {
    const typed = await self.typed(name, (await ready('client')).input as never);
    claim(`${name}/client`, alike.id, 'MUST', claims.sameAnswer(rest, typed, volatile));
  }
  if (cliForm(call)) {
    const { input } = await ready('cli');
    const [said, typed] = await Promise.all([byCommand(context, self, call, input), counterpart(self, call, rest)]);
    claim(`${name}/cli`, alike.id, 'MUST', claims.sameAnswer(typed, said, volatile));
  }
  const type = frameType(call);
  if (type !== undefined && frames) {
    const done = await frames.call(name, { type, ...(await ready('ws')).frame });
    claim(`${name}/ws`, alike.id, 'MUST', claims.outcome(done, 'ok'));
  }
}

/** A command that goes on with a stream is ended once it has printed its answer. */
async function byCommand(context: ScenarioContext, node: NodeHandle, call: Call, input: Record<string, unknown>): Promise<Operation> {
  if (cliForm(call)?.follow === undefined) return node.cli(call.name, input as never);
  try {
    await using following = await followCommand({ ...context, answers: true }, node, call, commandLine(call, input), input as Json);
    return following.opening;
  } catch (error) {
    if (error instanceof PrerequisiteFailed) return error.operation;
    throw error;
  }
}

/** What REST says to what the command calls when it is to print JSON. */
async function counterpart(node: NodeHandle, call: Call, rest: Operation): Promise<Operation> {
  const name = cliForm(call)?.json;
  return name === undefined ? rest : node.rest(name as CallName);
}
