import { RENDEZVOUS_SHARDS } from '@muster/protocol';
import type { AgentId } from '@muster/protocol';

/** how many keep a shard, as far as each of them knows of the others */
export const KEEPERS = 8;
const ID_SPACE = 2 ** 32;

/** Fewer than `KEEPERS` of the others are nearer to the shard. Who knows of few others keeps much: nothing is left to nobody. */
export function isKeeper(self: AgentId, others: readonly AgentId[], shard: number): boolean {
  const own = distance(self, shard);
  let nearer = 0;
  for (const other of others) if (distance(other, shard) < own && ++nearer >= KEEPERS) return false;
  return true;
}

/** From the middle of the shard's part of the id space, by exclusive or: ids that differ in their first 32 bits are never equally far. */
function distance(agent: AgentId, shard: number): number {
  const middle = ((shard + 0.5) * ID_SPACE) / RENDEZVOUS_SHARDS;
  return (Number.parseInt(agent.slice(0, 8), 16) ^ middle) >>> 0;
}
