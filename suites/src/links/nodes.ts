import type { NodeHandle, ScenarioContext } from '@muster/lab';

/** The first three nodes of the world. */
export function threeOf({ nodes }: Pick<ScenarioContext, 'nodes'>): readonly [NodeHandle, NodeHandle, NodeHandle] {
  const [one, other, third] = nodes;
  if (!one || !other || !third) throw new RangeError('the scenario needs three nodes');
  return [one, other, third];
}
