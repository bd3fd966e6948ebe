import type { NodeHandle } from '@muster/lab';

/** The nodes that take part in a topic with neighbours, as their diagnostics say. */
export async function takersOf(nodes: readonly NodeHandle[], topic: string): Promise<string[]> {
  const takes = await Promise.all(
    nodes.map(async ({ client }) => (await client.diagnostics.gossip()).pubsub_stages.peer_scores.some((row) => row.topic === topic)),
  );
  return nodes.filter((_, index) => takes[index]).map(({ name }) => name);
}
