/** A node before and after: alive, healthy, and not grown. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { memoryOf } from '../nodes.ts';
import { required } from './requirements.ts';

/** The collector takes its time; what grows without bound is far beyond it. */
const MOST_GROWTH_BYTES = 96 * 1_048_576;
const SERVED_MS = 1_000;

/** Measures, lets `happen` happen, measures again, and claims that the node is none the worse. */
export async function unharmed(context: ScenarioContext, node: NodeHandle, happen: () => Promise<void>): Promise<void> {
  const { claim, record } = context;
  const before = await memoryOf(node);
  await happen();
  await served(context, node, 'after');
  const after = await memoryOf(node);
  const { seq } = record.observe(node.name, 'process', 'after', { alive: node.target.died === undefined });
  claim('alive', required.unharmed.id, 'MUST', claims.equals({ seq, at: '/data/alive' }, true), { title: 'the same process still runs' });
  if (before === undefined || after === undefined) return;
  const memory = record.observe(node.name, 'process', 'memory', { before, after, grown: after - before });
  const flat = claims.atMost({ seq: memory.seq, at: '/data/grown' }, MOST_GROWTH_BYTES, 'bytes');
  claim('memory', required.memory.id, 'MUST', flat, { title: 'its memory stays flat' });
}

/** Claims that the node answers somebody else, soon. */
export async function served({ claim }: ScenarioContext, node: NodeHandle, when: string): Promise<void> {
  const health = await node.rest('status.health');
  claim(`served-${when}`, required.unharmed.id, 'MUST', claims.equals(at(health, '/output/status'), 'healthy'), { title: 'others are served' });
  const soon = claims.elapsedAtMost({ op: health.id, edge: 'invoke' }, { op: health.id, edge: 'done' }, SERVED_MS);
  claim(`served-${when}-soon`, required.unharmed.id, 'MUST', soon, { title: 'and do not wait' });
}
