import { at, claims } from '@muster/proof';
import { toBase64 } from '@muster/protocol';
import { inInbox, recordInbox } from '../durability/inbox-record.ts';
import { exercise } from '../exercise.ts';
import { keepContact, payloadOf } from '../nodes.ts';
import { theApart, unlinked } from './apart.ts';

/** more than a published message may carry, less than a link would take */
const LARGE = toBase64(new Uint8Array(300 * 1024));
const FIRST = payloadOf('over the hills');
const BACK = payloadOf('and far away');
const ORDER = payloadOf('seventeen apples');
const REFUSED = payloadOf('let me in');

export const line = exercise(
  {
    'routes.inbox-topic': 'A direct message to an agent without a link is committed by the recipient when it is acknowledged, and its path is told.',
    'routes.once': 'Sends with one logical id are one message without a link too, and the id is refused for another one.',
    'routes.blocked': 'A recipient without a link refuses a blocked agent, and the sender is told so.',
    'routes.too-large': 'What is too large to travel without a link is refused as such.',
    'routes.counted': 'Diagnostics tell how many messages took which path, and the path of the last one to an agent.',
  },
  {
    id: 'routes/line',
    title: 'direct messages reach an agent that is known but not linked',
    needs: { nodes: 3, wiring: 'line', capabilities: ['direct.send', 'direct.inbox', 'diagnostics.dm', 'discovery.agents'] },
    phases: {
      async drive(context) {
        const { claim } = context;
        const apart = await theApart(context);
        const { alice, carol } = apart;
        const send = (payload: string, logical_id?: string) =>
          alice.rest('direct.send', { agent_id: carol.agentId, payload, ...(logical_id !== undefined && { logical_id }) });

        const first = await send(FIRST);
        const back = await carol.rest('direct.send', { agent_id: alice.agentId, payload: BACK });
        const [order, again] = [await send(ORDER, 'order-17'), await send(ORDER, 'order-17')];
        const other = await send(payloadOf('eighteen apples'), 'order-17');
        const large = await send(LARGE);
        const restore = await keepContact(context, carol, alice.agentId);
        await context.need(carol.rest('contacts.setTrust', { agent_id: alice.agentId, level: 'blocked' }), 'carol can block alice');
        const refused = await send(REFUSED);
        await restore();
        const { atAlice, atCarol } = await unlinked(apart);
        const counted = await alice.rest('diagnostics.dm');

        await Promise.all([recordInbox(context, carol), recordInbox(context, alice)]);

        const check = (name: string, requirement: string, what: Parameters<typeof claim>[3], premise = atAlice): void =>
          claim(name, requirement, 'MUST', what, { premise });
        const once = (node: typeof carol, payload: string) =>
          claims.occurs({ ...inInbox(node), where: [{ at: '/payload', equals: payload }] }, { atLeast: 1, atMost: 1 });
        check('path', 'routes.inbox-topic', claims.equals(at(first, '/output/path'), 'gossip_inbox'));
        check('once', 'routes.inbox-topic', once(carol, FIRST));
        check('back', 'routes.inbox-topic', claims.equals(at(back, '/output/path'), 'gossip_inbox'), atCarol);
        check('back-once', 'routes.inbox-topic', once(alice, BACK), atCarol);
        check('again', 'routes.once', claims.equals(at(again, '/output/request_id'), at(order, '/output/request_id')));
        check('order-once', 'routes.once', once(carol, ORDER));
        check('other', 'routes.once', claims.status(other, 409));
        check('too-large', 'routes.too-large', claims.status(large, 400));
        check('too-large-said', 'routes.too-large', claims.equals(at(large, '/output/error'), 'envelope_construction'));
        check('refused', 'routes.blocked', claims.status(refused, 403));
        check('refused-not-in', 'routes.blocked', claims.never({ ...inInbox(carol), where: [{ at: '/payload', equals: REFUSED }] }));
        check('counted', 'routes.counted', claims.equals(at(counted, '/output/stats/outgoing_path_gossip_inbox'), 2));
        check('preferred', 'routes.counted', claims.equals(at(counted, `/output/per_peer/${carol.agentId}/preferred_path`), 'gossip_inbox'));
      },
    },
  },
);
