/** What a node tells of an agent, for waiting: these looks are not recorded, what they lead to is. */
import type { NodeHandle } from '@muster/lab';

/** The agent as the node lists it among those heard of lately; undefined when it does not. */
export async function entryAt(node: NodeHandle, agentId: string) {
  const { agents } = await node.client.discovery.agents();
  return agents.find(({ agent_id }) => agent_id === agentId);
}
