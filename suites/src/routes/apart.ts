/** Two nodes that know each other and have no link: the ends of a line of three. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { at, type Claim, claims } from '@muster/proof';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, threeOf } from '../nodes.ts';

/** ms: announcements are made at the start and 3 s later */
const KNOWN_MS = 10_000;

export interface Apart {
  readonly alice: NodeHandle;
  readonly bob: NodeHandle;
  readonly carol: NodeHandle;
}

/** Waits until the ends of the line know each other. */
export async function theApart(context: ScenarioContext): Promise<Apart> {
  const [alice, bob, carol] = threeOf(context);
  await Promise.all([untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS), untilLinked(context, bob, carol, ARRIVAL_LIMIT_MS)]);
  await Promise.all([knows(context, alice, carol), knows(context, carol, alice)]);
  return { alice, bob, carol };
}

async function knows({ eventually, signal }: ScenarioContext, node: NodeHandle, other: NodeHandle): Promise<void> {
  const listed = async (): Promise<boolean> => {
    const { agents } = await node.client.discovery.agents({}, { signal });
    return agents.some(({ agent_id }) => agent_id === other.agentId);
  };
  await eventually(`${node.name} has heard of ${other.name}`, listed, KNOWN_MS);
}

/** Neither of the two lists the other as its peer now. */
export async function unlinked({ alice, carol }: Apart): Promise<{ readonly atAlice: Claim; readonly atCarol: Claim }> {
  const [ofAlice, ofCarol] = await Promise.all([alice.rest('network.peers'), carol.rest('network.peers')]);
  return {
    atAlice: claims.excludes(at(ofAlice, '/output/peers'), carol.machineId, '/id'),
    atCarol: claims.excludes(at(ofCarol, '/output/peers'), alice.machineId, '/id'),
  };
}
