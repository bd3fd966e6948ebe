/** What a node still holds of the load, and what it should. */
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { type Claim, claims, type Operations } from '@muster/proof';
import { inInbox, recordInbox } from '../durability/inbox-record.ts';
import { FATES } from './load.ts';
import { required } from './requirements.ts';

const MINE: ReadonlySet<string | null> = new Set(FATES);

/** Records one observation for each contact of the load that is there, each that is gone, and each revocation. */
export async function recordContacts({ record, need }: ScenarioContext, node: NodeHandle, removed: readonly string[]): Promise<void> {
  const { contacts } = await need(node.rest('contacts.list'), `${node.name} lists its contacts`);
  const { revocations } = await need(node.rest('contacts.revocations', { agent_id: node.agentId }), `${node.name} lists its revocations`);
  for (const contact of contacts) if (MINE.has(contact.label)) record.observe(node.name, 'contacts', contact.label!, contact);
  const present = new Set(contacts.map((contact) => contact.agent_id));
  for (const agent_id of removed) if (!present.has(agent_id)) record.observe(node.name, 'contacts', 'gone', { agent_id });
  for (const revocation of revocations) record.observe(node.name, 'contacts', 'revocation', revocation);
}

export async function claimState(context: ScenarioContext, victim: NodeHandle, partner: NodeHandle): Promise<void> {
  const { claim } = context;
  for (const [from, to] of [
    [victim, partner],
    [partner, victim],
  ] as const) {
    await recordInbox(context, to);
    const once = claims.deliveredExactlyOnce({
      sends: { op: 'direct.send', processes: [from.name] },
      key: '/input/payload',
      receivers: { nodes: [to.name] },
      receipts: inInbox(to),
      receiptKey: '/payload',
      receiptSender: '/sender',
    });
    claim(`${victim.name}/from-${from.name}`, required.messages.id, 'MUST', once, { title: 'acknowledged messages are there, once' });
  }
  const kept = (op: string, where: Operations['where'], event: string, trust?: string): Claim =>
    claims.deliveredExactlyOnce({
      sends: { op, processes: [victim.name], ...(where && { where }) },
      key: '/input/agent_id',
      receivers: { nodes: [victim.name] },
      receipts: { nodes: [victim.name], stream: 'contacts', event, ...(trust !== undefined && { where: [{ at: '/trust_level', equals: trust }] }) },
      receiptKey: '/agent_id',
    });
  const added = kept('contacts.add', [{ at: '/input/label', equals: 'trusted' }], 'trusted');
  claim(`${victim.name}/added`, required.contacts.id, 'MUST', added, { title: 'added contacts are there' });
  claim(`${victim.name}/removed`, required.contacts.id, 'MUST', kept('contacts.remove', undefined, 'gone'), { title: 'removed contacts are gone' });
  const trusted = kept('contacts.setTrust', undefined, 'trusted', 'trusted');
  claim(`${victim.name}/trusted`, required.trust.id, 'MUST', trusted, { title: 'trust that was set stands' });
  claim(`${victim.name}/revoked`, required.trust.id, 'MUST', kept('contacts.revoke', undefined, 'revocation'), { title: 'revocations stand' });
}
