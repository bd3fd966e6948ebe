import { at, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

export const introduction = exercise(
  {
    'introduction.by-trust': 'A stranger is told less than a trusted agent: neither the machine nor what is offered to those who are trusted.',
    'introduction.blocked': 'A blocked agent is told nothing (403).',
    'announce.consent': 'The user behind an agent is not announced without consent (400); without the user an announcement needs none.',
  },
  {
    id: 'smoke/introduction',
    title: 'an agent introduces itself by how far it trusts',
    needs: { nodes: 2, capabilities: ['identity.introduction', 'identity.announce', 'contacts.add', 'contacts.remove'] },
    phases: {
      setup: async ({ random }) => ({ stranger: toHex(random.bytes(32)), friend: toHex(random.bytes(32)), foe: toHex(random.bytes(32)) }),
      async drive(context, { stranger, friend, foe }) {
        const { claim } = context;
        const [alice] = twoOf(context);
        await alice.rest('contacts.add', { agent_id: friend, trust_level: 'trusted' });
        await alice.rest('contacts.add', { agent_id: foe, trust_level: 'blocked' });
        const [toStranger, toFriend, toFoe, consentless, announced] = await Promise.all([
          alice.rest('identity.introduction', { peer: stranger }),
          alice.rest('identity.introduction', { peer: friend }),
          alice.rest('identity.introduction', { peer: foe }),
          alice.rest('identity.announce', { include_user_identity: true }),
          alice.rest('identity.announce'),
        ]);
        claim('names-agent', 'introduction.by-trust', 'MUST', claims.equals(at(toStranger, '/output/agent_id'), alice.agentId));
        claim('hides-machine', 'introduction.by-trust', 'MUST', claims.absent(at(toStranger, '/output/machine_id')));
        claim('hides-services', 'introduction.by-trust', 'MUST', claims.excludes(at(toStranger, '/output/services'), 'trusted', '/min_trust'));
        claim('shows-machine', 'introduction.by-trust', 'MUST', claims.equals(at(toFriend, '/output/machine_id'), alice.machineId));
        claim('shows-services', 'introduction.by-trust', 'MUST', claims.includes(at(toFriend, '/output/services'), 'trusted', '/min_trust'));
        claim('blocked', 'introduction.blocked', 'MUST', claims.status(toFoe, 403));
        claim('consent', 'announce.consent', 'MUST', claims.status(consentless, 400));
        claim('announces', 'announce.consent', 'MUST', claims.equals(at(announced, '/output/include_user_identity'), false));
      },
      async finally(context, { friend, foe }) {
        const [alice] = twoOf(context);
        for (const agent_id of [friend, foe]) await alice.rest('contacts.remove', { agent_id });
      },
    },
  },
);
