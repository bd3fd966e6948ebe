/** A world that is up, introduced and trusted enough to be judged. */
import { bootPrefix, claims, type NodeSigner } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import { NodeHandle } from '../record/node-handle.ts';
import { NodeLogs } from '../record/node-logs.ts';
import type { Recorder } from '../record/recorder.ts';
import type { TargetNode } from '../record/target-node.ts';
import { canary, CANARY_STATUSES, declaredCapabilities } from '../targets/declared-capabilities.ts';
import type { Target, TargetWorld } from '../targets/target.ts';
import { CannotExecute } from '../process/daemon-process.ts';
import { DaemonNotReady } from '../world/local-node.ts';
import type { Link } from '../faults/link-path.ts';
import type { PlannedWorld } from './plan.ts';

/** The target refuses what it cannot know. */
export const REFUSES_UNKNOWN = 'target.refuses-the-unknown';

/** The target's nodes come up. */
export const BOOTS = 'target.boots';

/** A node did not come up, or could not even be started; claimed as a crash before. */
export class TargetDown extends Error {
  override readonly name = 'TargetDown';
}

export class TargetUntrusted extends Error {
  override readonly name = 'TargetUntrusted';
}

/** all of a large world at once would keep a busy machine from answering any in time */
const MET_AT_ONCE = 10;

export interface OpenWorld extends AsyncDisposable {
  readonly name: string;
  readonly nodes: readonly TargetNode[];
  readonly links: readonly Link[];
  readonly powers: Target['powers'];
  readonly logs: TargetWorld['logs'];
  readonly bootMs: number | undefined;
  readonly capabilities: ReadonlySet<string>;
  readonly ids: ReadonlyMap<string, { readonly agentId: string; readonly machineId: string }>;
  /** its line in the journal */
  readonly seq: number;
  /** Says in the journal how much of the nodes' logs is not in it, as closing does: for a world that outlives the journal. */
  tellLeftOut(): void;
}

export interface OpenWorldOptions {
  readonly target: Target;
  readonly recorder: Recorder;
  readonly clock: LabClock;
  readonly signal: AbortSignal;
  /** part of what the canary asks for */
  readonly nonce: string;
}

/** @throws what booting throws; TargetDown (claimed as a crash before) when a node does not come up; TargetUntrusted when a node accepts what it cannot know (claimed as a failure before) */
export async function openWorld(
  planned: PlannedWorld,
  name: string,
  { target, recorder, clock, signal, nonce }: OpenWorldOptions,
): Promise<OpenWorld> {
  recorder.mark();
  const boot = `${bootPrefix}${name}`;
  recorder.phase(boot, 'setup', 'begin');
  const said = new NodeLogs({ recorder, clock, nodes: planned.nodes });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => said.tellLeftOut());
  const world = await target
    .open({
      nodes: planned.nodes,
      names: planned.names,
      liars: planned.liars,
      wiring: planned.wiring,
      crowd: planned.crowd,
      config: planned.config,
      human: planned.human,
      uses: planned.uses,
      said: said.line,
      signal,
    })
    .catch((error: unknown) => {
      if (!(error instanceof DaemonNotReady || error instanceof CannotExecute)) throw error;
      claimDown(recorder, boot, error);
      throw new TargetDown(error.message, { cause: error });
    });
  stack.use(world);
  const from = recorder.mark();
  const handles = world.nodes.map((node) => new NodeHandle(node, { recorder, clock }));
  try {
    const [first] = handles;
    if (!first) throw new Error('a world needs a node');
    const [{ capabilities, source }, meetings] = await Promise.all([declaredCapabilities(first), meet(handles, nonce)]);
    const nodes = handles.map((handle, index) => ({
      name: handle.name,
      ...(handle.agentId && { agentId: handle.agentId }),
      ...(handle.machineId && { machineId: handle.machineId }),
      implementation: target.implementation,
      ...(typeof meetings[index]!.version === 'string' && { version: meetings[index]!.version }),
    }));
    const powers = target.powers.filter((power) => !world.lacks?.has(power));
    const { seq } = recorder.write({
      type: 'world',
      world: name,
      nodes,
      links: [
        { wiring: planned.wiring, declared: source, ...(world.bootMs !== undefined && { boot_ms: Math.round(world.bootMs) }) },
        ...world.links.map((link) => ({ from: link.from, to: link.to, through: link.path.address })),
      ],
      capabilities: [...capabilities],
      powers,
      surfaces: [...target.surfaces],
    });
    for (const [index, { answer }] of meetings.entries()) {
      const handle = handles[index]!;
      const claim = claims.status(answer, ...CANARY_STATUSES);
      const title = `${handle.name} refuses a path that does not exist`;
      recorder.check({ id: `target/canary/${name}-${handle.name}`, requirement: REFUSES_UNKNOWN, level: 'MUST', title, claim, range: [from, seq] });
      if (!CANARY_STATUSES.some((status) => status === answer.status)) {
        throw new TargetUntrusted(
          `${handle.name} answered ${answer.status ?? answer.error} to a path that does not exist: nothing else it says can be trusted`,
        );
      }
    }
    recorder.phase(boot, 'setup', 'end');
    const owned = stack.move();
    return {
      name,
      nodes: world.nodes,
      links: world.links,
      powers,
      logs: world.logs,
      bootMs: world.bootMs,
      capabilities: new Set<string>(capabilities),
      ids: new Map(handles.map(({ name: of, agentId, machineId }) => [of, { agentId, machineId }])),
      seq,
      tellLeftOut: () => said.tellLeftOut(),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } finally {
    await Promise.all(handles.map((handle) => handle[Symbol.asyncDispose]()));
  }
}

/** Learns who they are, and what they say to a path that does not exist. */
async function meet(handles: readonly NodeHandle[], nonce: string) {
  const meetings = [];
  for (let at = 0; at < handles.length; at += MET_AT_ONCE) {
    const group = handles.slice(at, at + MET_AT_ONCE).map(async (handle) => {
      const [health, answer] = await Promise.all([handle.rest('status.health'), canary(handle, nonce), handle.introduce()]);
      return { version: health.output?.version, answer };
    });
    meetings.push(...(await Promise.all(group)));
  }
  return meetings;
}

/** What could not even be executed is no node, and the target is not to blame for it. */
function claimDown(recorder: Recorder, id: string, error: DaemonNotReady | CannotExecute): void {
  recorder.phase(id, 'setup', 'crash', { message: error.message, ...(error instanceof DaemonNotReady && { node: error.node }) });
  recorder.check({ id, requirement: BOOTS, level: 'MUST', title: 'its nodes come up', claim: claims.completed(id) });
}

/** The nodes of a world that can put their signature under a bundle. What they do here is not part of the evidence. */
export async function signersOf(world: OpenWorld, recorder: Recorder, clock: LabClock, stack: AsyncDisposableStack): Promise<NodeSigner[]> {
  if (!world.capabilities.has('identity.sign')) return [];
  const signers = world.nodes.map(async (node): Promise<NodeSigner | undefined> => {
    const { client } = stack.use(new NodeHandle(node, { recorder, clock }));
    const sign = (payload: Uint8Array, context: string) =>
      client.identity.sign({ payload_b64: Buffer.from(payload).toString('base64'), context }, { signal: clock.timeout(2000) });
    try {
      const { public_key_b64 } = await sign(Buffer.from('who are you?'), 'x0x.lab.introduction.v1');
      const publicKey = Buffer.from(public_key_b64, 'base64');
      return { name: node.name, publicKey, sign: async (payload, context) => Buffer.from((await sign(payload, context)).signature_b64, 'base64') };
    } catch {
      return undefined; // a node that is down or refuses does not sign; the bundle shows who did
    }
  });
  return (await Promise.all(signers)).filter((signer) => signer !== undefined);
}
