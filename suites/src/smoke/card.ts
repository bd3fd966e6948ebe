import type { ScenarioContext } from '@muster/lab';
import { at, claims, type Json, observed } from '@muster/proof';
import { CARD_LINK_PREFIX, fromBase64url, toBase64url, utf8Bytes } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { keepContact, twoOf } from '../nodes.ts';

const NAME = 'Alice of the lab';
const LONGEST_S = 31 * 86_400;

export const card = exercise(
  {
    'card.link': 'The link of a card decodes to the card: the ids of its node and the display name that was asked for.',
    'card.expires': 'A card says until when it holds: at most 31 days from now.',
    'card.import': 'Importing the link of another agent makes it a contact with the name on the card and the trust asked for.',
    'card.tampered': 'A card that was changed after signing is refused, and changes nothing.',
    'card.malformed': 'What is no card is refused with 400.',
  },
  {
    id: 'smoke/card',
    title: 'an agent is learnt from the link of its card',
    needs: { nodes: 2, capabilities: ['identity.card', 'identity.importCard', 'contacts.list', 'contacts.remove', 'contacts.setTrust'] },
    phases: {
      async setup(context) {
        const [alice, bob] = twoOf(context);
        return keepContact(context, bob, alice.agentId);
      },
      async drive(context) {
        const { claim, need } = context;
        const [alice, bob] = twoOf(context);
        const made = await alice.rest('identity.card', { display_name: NAME });
        const { link } = await need(made, 'alice makes a card');
        const decoded = decode(context, link);
        claim('decodes', 'card.link', 'MUST', claims.equals(observed(DECODED, '/card'), at(made, '/output/card')));
        for (const [field, wanted] of [
          ['agent_id', alice.agentId],
          ['machine_id', alice.machineId],
          ['display_name', NAME],
        ] as const)
          // prettier-ignore
          claim(`names-${field}`, 'card.link', 'MUST', claims.equals(observed(DECODED, `/card/${field}`), wanted));

        claim('expires', 'card.expires', 'MUST', claims.atLeast(observed(DECODED, '/holds_s'), 1, 's'));
        claim('expires-soon', 'card.expires', 'MUST', claims.atMost(observed(DECODED, '/holds_s'), LONGEST_S, 's'));

        const imported = await bob.rest('identity.importCard', { card: link, trust_level: 'Known' });
        const listed = await bob.rest('contacts.list');
        claim('imports', 'card.import', 'MUST', claims.equals(at(imported, '/output/agent_id'), alice.agentId));
        claim('echoes-trust', 'card.import', 'MUST', claims.equals(at(imported, '/output/trust_level'), 'Known'));
        claim('lists', 'card.import', 'MUST', claims.includes(at(listed, '/output/contacts'), alice.agentId, '/agent_id'));
        claim('labels', 'card.import', 'MUST', claims.includes(at(listed, '/output/contacts'), NAME, '/label'));

        const forged = `${CARD_LINK_PREFIX}${toBase64url(utf8Bytes(JSON.stringify({ ...decoded, display_name: 'Mallory' })))}`;
        const refused = await bob.rest('identity.importCard', { card: forged, trust_level: 'trusted' });
        const signed = claims.exists(at(made, '/output/card/signature'));
        const unchanged = await bob.rest('contacts.list');
        claim('refuses-tampered', 'card.tampered', 'MUST', claims.status(refused, 400), { premise: signed });
        claim('keeps-name', 'card.tampered', 'MUST', claims.excludes(at(unchanged, '/output/contacts'), 'Mallory', '/label'), { premise: signed });
        claim('malformed', 'card.malformed', 'MUST', claims.status(await bob.rest('identity.importCard', { card: 'no-card' }), 400));
      },
      finally: (_, putBack) => putBack(),
    },
  },
);

const DECODED = { nodes: ['lab'], stream: 'cards', event: 'decoded' };

/** Records what the link says when it is read by nobody but us. */
function decode({ clock, record }: ScenarioContext, link: string): Record<string, Json> {
  const text = new TextDecoder().decode(fromBase64url(link.slice(CARD_LINK_PREFIX.length)));
  const decoded = JSON.parse(text) as Record<string, Json>;
  const expires = decoded['expires_at'];
  const holds = typeof expires === 'number' ? expires - Math.floor(clock.now() / 1_000) : null;
  record.observe('lab', 'cards', 'decoded', { link, card: decoded, holds_s: holds });
  return decoded;
}
