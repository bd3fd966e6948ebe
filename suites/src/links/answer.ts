import type { PeerLink, ScenarioContext } from '@muster/lab';
import { ARRIVAL_LIMIT_MS } from '../nodes.ts';

/** Sends a direct envelope as a scripted peer and records the next acknowledgement: `{outcome, reason?}`; `none` when none comes. */
export async function deliver({ record }: ScenarioContext, link: PeerLink, envelope: Uint8Array): Promise<{ readonly seq: number }> {
  link.send({ kind: 'direct', envelope });
  const said: Record<string, string> = await link.next('direct_ack', ARRIVAL_LIMIT_MS).then(
    ({ outcome }) => ({ outcome: outcome.kind, ...(outcome.kind === 'rejected' && { reason: outcome.reason }) }),
    (error: unknown) => ({ outcome: 'none', reason: error instanceof Error ? error.message : String(error) }),
  );
  return record.observe('peer', 'link', 'direct_ack', said);
}
