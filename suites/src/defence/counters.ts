/** Counters of a node, from the text at /metrics to claims about their growth. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { type Claim, claims } from '@muster/proof';
import { countersOf } from '../nodes.ts';

/** Short names for counters as /metrics tells them, without the prefix: `{stale: 'gossip_rejected_total{reason="stale"}'}` */
export type Counted = Readonly<Record<string, string>>;

/** Reads the counters and records them; one that was never moved is not told, and stands at 0. */
export async function count({ record }: ScenarioContext, node: NodeHandle, counted: Counted): Promise<Record<string, number>> {
  const told = await countersOf(node);
  const counts = Object.fromEntries(Object.entries(counted).map(([short, name]) => [short, told.get(name) ?? 0]));
  record.observe(node.name, 'metrics', 'snapshot', counts);
  return counts;
}

/** From the first to the last reading, the counter grew by exactly so much. */
export function grew(node: NodeHandle, short: string, by: number): Claim {
  return claims.countersAgree(
    [{ counter: { nodes: [node.name], stream: 'metrics', event: 'snapshot' }, at: `/${short}`, take: 'growth' }],
    [{ number: by }],
  );
}
