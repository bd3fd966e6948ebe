import { placeOf, scenario, ScriptedPeer } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { type AgentCard, cardLink, cardSignedBytes, signCard, toBase64 } from '@muster/protocol';
import { required } from './requirements.ts';

const HOUR_S = 3_600;

export const cards = scenario({
  id: 'defence/cards',
  title: 'a signed card holds until it expires, and says when that is',
  requirements: [required.cards.id],
  needs: { nodes: 1, powers: ['world', 'link'], capabilities: ['identity.importCard', 'contacts.list', 'contacts.remove'] },
  phases: {
    async drive({ claim, clock, nodes }) {
      const node = nodes[0]!;
      await using peer = new ScriptedPeer(await placeOf(node));
      const now = Math.floor(clock.now() / 1_000);
      const card = { display_name: 'Peer', agent_id: peer.agentId, machine_id: peer.machineId, addresses: [], created_at: now - 2 * HOUR_S };
      const take = (signed: AgentCard) => node.rest('identity.importCard', { card: cardLink(signed), trust_level: 'known' });
      const until = (expires: number) => signCard(peer.crypto, peer.agentKey, card, expires);
      const named = { ...card, agent_public_key: toBase64(peer.agentKey.publicKey) };
      const signature = toBase64(await peer.crypto.sign(peer.agentKey, cardSignedBytes(named)));
      const [expired, endless] = [await take(await until(now - HOUR_S)), await take({ ...named, signature } as AgentCard)];
      const listed = at(await node.rest('contacts.list'), '/output/contacts');
      const good = await take(await until(now + HOUR_S));
      const premise = claims.status(good, 200);
      claim('expired', required.cards.id, 'MUST', claims.status(expired, 400), { premise });
      claim('endless', required.cards.id, 'MUST', claims.status(endless, 400), { premise });
      claim('nobody-learnt', required.cards.id, 'MUST', claims.excludes(listed, peer.agentId, '/agent_id'), { premise });
      await node.rest('contacts.remove', { agent_id: peer.agentId });
    },
  },
});
