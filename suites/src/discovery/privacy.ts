import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { ANNOUNCE_TOPIC, decodeStrict, fromBase64, isPubliclyRoutable } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { untilLinked } from '../links/peers.ts';
import { arrival, ARRIVAL_LIMIT_MS, openStream, subscribe, twoOf } from '../nodes.ts';

/** of an announcement as it travels */
const MAX_BYTES = 16 * 1024;

export const privacy = exercise(
  {
    'discovery.addresses': 'Addresses of this host and the LAN are known to the nodes that use them, and stand in no announcement and on no card.',
    'discovery.card': 'A card that a node gives is taken by another: signed, and not expired.',
  },
  {
    id: 'discovery/privacy',
    title: 'what a node tells strangers holds no address of its own network',
    needs: {
      nodes: 2,
      powers: ['dial'],
      capabilities: ['discovery.find', 'identity.announce', 'identity.card', 'identity.importCard', 'messaging.events'],
    },
    phases: {
      async drive(context) {
        const { claim, need } = context;
        const [alice, bob] = twoOf(context);
        await untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS);
        await using _topic = await subscribe(context, bob, ANNOUNCE_TOPIC);
        const seen = await announced(context, alice, bob);
        const known = await bob.rest('discovery.find', { agent_id: alice.agentId });
        const [local = ''] = known.output?.addresses ?? [];
        const premise = claims.matches(at(known, '/output/addresses/0'), '^(127[.]|10[.]|172[.]|192[.]168[.]|\\[)');
        claim('announced', 'discovery.addresses', 'MUST', claims.equals({ seq: seen.seq, at: '/data/private' }, { value: [] }), { premise });
        const card = await alice.rest('identity.card');
        claim('card', 'discovery.addresses', 'MUST', claims.excludes(at(card, '/output/card/addresses'), local), { premise });
        const { link } = await need(card, 'alice gives a card');
        const before = await need(bob.rest('contacts.list'), 'bob lists contacts');
        const trust = before.contacts.find(({ agent_id }) => agent_id === alice.agentId)?.trust_level ?? 'unknown';
        claim('taken', 'discovery.card', 'MUST', claims.status(await bob.rest('identity.importCard', { card: link, trust_level: trust }), 200));
      },
    },
  },
);

/** Has `from` announce itself, and records the addresses that `at` heard it name. */
async function announced(context: ScenarioContext, from: NodeHandle, listener: NodeHandle): Promise<{ readonly seq: number }> {
  const heard = new Set<string>();
  let last: readonly string[] | undefined;
  const events = await openStream(context, listener, 'messaging.events', ({ data: { data } }) => {
    if (!('sender' in data) || data.topic !== ANNOUNCE_TOPIC || data.sender !== from.agentId) return;
    const [, , , addresses] = decodeStrict(fromBase64(data.payload), MAX_BYTES) as [number, Uint8Array, Uint8Array, string[]];
    last = addresses;
    for (const address of addresses) heard.add(address);
  });
  const isIts = ({ data: { data } }: (typeof events.events)[number]['event']): boolean => 'sender' in data && data.sender === from.agentId;
  const announcements = (): number => events.events.filter(({ event }) => isIts(event)).length;
  const before = announcements();
  await context.need(from.rest('identity.announce'), `${from.name} announces itself`);
  await arrival(context, events, 'its announcement', (event) => isIts(event) && announcements() > before);
  const addresses = [...heard];
  const judged = { announcements: announcements(), last: [...(last ?? [])], private: addresses.filter((address) => !isPubliclyRoutable(address)) };
  return context.record.observe(listener.name, 'announcements', 'heard', judged);
}
