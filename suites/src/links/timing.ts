/** Claims about how long the network took. */
import type { Fault, NodeHandle, ScenarioContext, Waited } from '@muster/lab';
import { type Claim, claims } from '@muster/proof';
import { NOTICED_MS } from './requirements.ts';
import { peersOf } from './peers.ts';

/** What was waited for came at most `limit` ms after the fault reached that stage. The wait must have been given `limit` ms or more. */
export function within(limit: number, fault: Fault, stage: 'applied' | 'healed', waited: Waited<unknown>): Claim {
  return claims.elapsedAtMost({ fault: fault.id, stage }, { seq: waited.seq }, limit);
}

/** Waits until `node` no longer lists `gone`, for as long as that may take. */
export function untilLost({ eventually, signal }: ScenarioContext, node: NodeHandle, gone: NodeHandle): Promise<Waited<true>> {
  const lost = async (): Promise<boolean> => (await peersOf(node, signal))?.includes(gone.machineId) === false;
  return eventually(`${node.name} no longer lists ${gone.name}`, lost, NOTICED_MS);
}
