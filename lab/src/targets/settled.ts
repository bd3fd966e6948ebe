import type { LabClock } from '../clock.ts';
import { DeadlineError, eventually } from '../eventually.ts';
import { clientOf, type TargetNode } from '../record/target-node.ts';
import type { Target } from './target.ts';

const LINKED_LIMIT_MS = 5000;
/** nodes, beyond which not each has a link with each, and how many links are enough then */
export const LARGE = 32;
const ENOUGH = 3;

/**
 * The target, with worlds that are handed over once their nodes are linked. Scenarios that run on their own have none before them
 * that would have seen to it. Nodes that do not link within 5 s are handed over as they are.
 */
export function settled(target: Target, clock: LabClock): Target {
  return {
    ...target,
    async open(request) {
      const world = await target.open(request);
      const linked = async (): Promise<boolean> => {
        const counts = await Promise.all(world.nodes.map(peerCount));
        const wanted = world.nodes.length > LARGE ? ENOUGH : world.nodes.length - 1;
        return counts.every((count) => count >= wanted);
      };
      try {
        await eventually(clock, linked, { within: LINKED_LIMIT_MS, what: 'links', ...(request.signal && { signal: request.signal }) });
      } catch (error) {
        if (error instanceof DeadlineError) return world;
        await world[Symbol.asyncDispose]();
        throw error;
      }
      return world;
    },
  };
}

async function peerCount(node: TargetNode): Promise<number> {
  await using client = clientOf(node);
  try {
    const { peers } = await client.network.peers();
    return peers.length;
  } catch {
    return 0; // nodes that cannot say are for the scenarios to judge
  }
}
