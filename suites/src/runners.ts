/** Runners beside nodes, and an orchestrator that talks to one node only: everything between them travels as direct messages. */
import { DeadlineError, type NodeHandle, Orchestrator, PrerequisiteFailed, RunnerAgent, type RunnerResult, type ScenarioContext } from '@muster/lab';
import { claims, type Json, type Observations, observed } from '@muster/proof';
import { toBase64, toHex } from '@muster/protocol';

/** ms for a command, its hop and both reports */
const ROUND_TRIP_LIMIT_MS = 5_000;
const HOP_BYTES = 48;

/** One message that one runner was told to send to another. */
export interface Hop {
  readonly from: NodeHandle;
  readonly to: NodeHandle;
  readonly requestId: string;
}

export interface Runners extends AsyncDisposable {
  /** Has the runner beside `from` send a random message to the one beside `to`; waits for both reports, or their deadline. */
  hop(from: NodeHandle, to: NodeHandle): Promise<Hop>;
  /** Gives a runner a command and waits for a report of this kind. @returns what picks that report */
  ask(node: NodeHandle, action: string, kind: RunnerResult['kind']): Promise<Observations>;
}

/** A runner beside each node, commanded through `anchor`. What they need and do not get is claimed as a failure. */
export async function startRunners(context: ScenarioContext, anchor: NodeHandle, nodes: readonly NodeHandle[]): Promise<Runners> {
  const { clock, random, record, signal } = context;
  await using stack = new AsyncDisposableStack();
  const orchestrator = await needed(context, anchor, () =>
    Orchestrator.start(anchor, { clock, random, record: (result) => record.observe(anchor.name, 'runners', result.kind, result as Json) }),
  );
  stack.use(orchestrator);
  for (const node of nodes) stack.use(await needed(context, node, () => RunnerAgent.start(node, { clock })));
  const owned = stack.move();

  const report = async (what: string, wanted: (result: RunnerResult) => boolean): Promise<void> => {
    await orchestrator.result(wanted, { within: ROUND_TRIP_LIMIT_MS, what, signal }).catch((error: unknown) => {
      if (!(error instanceof DeadlineError)) throw error;
    });
  };
  return {
    async hop(from, to) {
      const requestId = toHex(random.bytes(16));
      await orchestrator.command(from, 'send_dm', { to: to.agentId, payload: toBase64(random.bytes(HOP_BYTES)), request_id: requestId });
      const of = (kind: RunnerResult['kind']) =>
        report(`${kind} of ${requestId}`, (result) => result.kind === kind && result.request_id === requestId);
      await Promise.all([of('send_result'), of('received_dm')]);
      return { from, to, requestId };
    },
    async ask(node, action, kind) {
      const { id } = await orchestrator.command(node, action);
      await report(`an answer to ${action}`, ({ command_id }) => command_id === id);
      return { stream: 'runners', event: kind, where: [{ at: '/command_id', equals: id }] };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function needed<T>(context: ScenarioContext, node: NodeHandle, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof PrerequisiteFailed) await context.need(error.operation, `a runner can work beside ${node.name}`);
    throw error;
  }
}

/** Sent without refusal, received once, by whom and from whom it should be, and the same bytes at both ends. */
export function claimHop({ claim }: ScenarioContext, check: string, requirement: string, { from, to, requestId }: Hop): void {
  const reported = (kind: RunnerResult['kind'], by: NodeHandle): Observations => ({
    stream: 'runners',
    event: kind,
    where: [
      { at: '/request_id', equals: requestId },
      { at: '/agent_id', equals: by.agentId },
    ],
  });
  const [sent, received] = [reported('send_result', from), reported('received_dm', to)];
  claim(`${check}/sent`, requirement, 'MUST', claims.equals(observed(sent, '/outcome'), 'ok'));
  claim(`${check}/once`, requirement, 'MUST', claims.occurs(received, { atLeast: 1, atMost: 1 }));
  claim(`${check}/sender`, requirement, 'MUST', claims.equals(observed(received, '/details/sender'), from.agentId));
  claim(`${check}/digest`, requirement, 'MUST', claims.equals(observed(sent, '/digest_marker'), observed(received, '/digest_marker')));
}
