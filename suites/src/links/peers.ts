/** Who is linked to whom, for waiting: these looks are not recorded, what they lead to is. */
import type { NodeHandle, ScenarioContext, Waited } from '@muster/lab';

/** Machine ids that the node lists as its peers now; undefined when it does not answer. */
export async function peersOf(node: NodeHandle, signal: AbortSignal): Promise<string[] | undefined> {
  try {
    const { peers } = await node.client.network.peers({}, { signal });
    return peers.map(({ id }) => id);
  } catch {
    return undefined;
  }
}

/** Each of the nodes lists each other one, and nobody else. */
export async function meshed(nodes: readonly NodeHandle[], signal: AbortSignal): Promise<boolean> {
  const lists = await Promise.all(nodes.map((node) => peersOf(node, signal)));
  return lists.every((list, index) => {
    const others = nodes.filter((_, other) => other !== index).map(({ machineId }) => machineId);
    return list !== undefined && list.length === others.length && others.every((id) => list.includes(id));
  });
}

/** Waits until two nodes list each other, whoever else they list. */
export function untilLinked(context: ScenarioContext, one: NodeHandle, other: NodeHandle, within: number): Promise<Waited<true>> {
  const lists = async (node: NodeHandle, peer: NodeHandle): Promise<boolean> =>
    (await peersOf(node, context.signal))?.includes(peer.machineId) === true;
  return context.eventually('both list each other', async () => (await lists(one, other)) && (await lists(other, one)), within);
}

/** Waits until all nodes are linked with each other; claim on what it gives back, or ask `held`. */
export function untilMeshed(
  context: ScenarioContext,
  nodes: readonly NodeHandle[],
  within: number,
  what = 'all nodes are linked',
): Promise<Waited<true>> {
  return context.eventually(what, () => meshed(nodes, context.signal), within);
}
