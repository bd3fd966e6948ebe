/** Who sees whom, for waiting: these looks are not recorded, what they lead to is. */
import type { Fault, NodeHandle, ScenarioContext, Waited } from '@muster/lab';
import { type Claim, claims, type Observations } from '@muster/proof';

/** ms in which everybody sees an agent that came up */
export const SEEN_UP_MS = 5_000;

/** Whether a node takes an agent for online; undefined when it does not answer. */
async function sees(node: NodeHandle, { agentId }: NodeHandle): Promise<boolean | undefined> {
  try {
    return (await node.client.presence.status({ id: agentId })).online;
  } catch {
    return undefined;
  }
}

/** Waits until each sees each other one, or with `others` until each sees each of those. */
export function untilSeen({ eventually }: ScenarioContext, nodes: readonly NodeHandle[], within: number, others = nodes): Promise<Waited<true>> {
  const pairs = nodes.flatMap((node) => others.filter((other) => other !== node).map((other) => [node, other] as const));
  const all = async (): Promise<boolean> => (await Promise.all(pairs.map(([node, other]) => sees(node, other)))).every((seen) => seen === true);
  return eventually(`${names(nodes)} see ${names(others)} online`, all, within);
}

export function untilUnseen({ eventually }: ScenarioContext, nodes: readonly NodeHandle[], gone: NodeHandle, within: number): Promise<Waited<true>> {
  const none = async (): Promise<boolean> => (await Promise.all(nodes.map((node) => sees(node, gone)))).every((seen) => seen === false);
  return eventually(`${names(nodes)} see ${gone.name} offline`, none, within);
}

/** Events that the presence stream of a node tells of an agent. */
export function told(node: NodeHandle, { agentId }: NodeHandle, event: 'online' | 'offline'): Observations {
  const where = [
    { at: '/event', equals: event },
    { at: '/agent_id', equals: agentId },
  ];
  return { nodes: [node.name], stream: 'presence.events', event: 'presence', where };
}

/** What was waited for came at most `limit` ms after the fault reached that stage. */
export function within(limit: number, fault: Fault, stage: 'applied' | 'healed', waited: Waited<unknown>): Claim {
  return claims.elapsedAtMost({ fault: fault.id, stage }, { seq: waited.seq }, limit);
}

const names = (nodes: readonly NodeHandle[]): string => nodes.map(({ name }) => name).join(', ');
