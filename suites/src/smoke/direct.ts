import { at, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { directDeliveries, inboxEnd, openStream, payloadOf, readInbox, received, twoOf } from '../nodes.ts';

export const direct = exercise(
  {
    'direct.committed': 'A direct message that was acknowledged is in the inbox of its recipient, byte for byte, under its request id and sender.',
    'direct.exactly-once': 'An acknowledged direct message is delivered exactly once on the stream of its recipient.',
    'direct.logical-id': 'Sends with one logical id are one message, and another payload under it is refused with 409.',
    'direct.loopback': 'A message to itself is committed by the loopback path.',
    'direct.probe': 'On request the sender learns that the machine of the recipient is alive.',
    'direct.unknown': 'Sending to an agent nobody has heard of is refused with 404.',
  },
  {
    id: 'smoke/direct',
    title: 'direct messages are committed before they are acknowledged',
    needs: { nodes: 2, capabilities: ['direct.send', 'direct.events', 'direct.inbox'] },
    phases: {
      async drive(context) {
        const { claim, need } = context;
        const [alice, bob] = twoOf(context);
        const name = context.topic('message');
        const [plain, once, itself, last] = ['plain', 'once', 'itself', 'last'].map((kind) => payloadOf(`${name} ${kind}`)) as [string, string, string, string]; // prettier-ignore
        const ends = await Promise.all([inboxEnd(context, alice), inboxEnd(context, bob)]);
        const atBob = await openStream(context, bob, 'direct.events');
        const to = { agent_id: bob.agentId };

        const sent = await alice.rest('direct.send', { ...to, payload: plain, require_ack_ms: 2_000 });
        await need(sent, 'alice sends to bob');
        const logical_id = `${name} order`;
        const first = await alice.rest('direct.send', { ...to, payload: once, logical_id });
        const again = await alice.rest('direct.send', { ...to, payload: once, logical_id });
        const conflict = await alice.rest('direct.send', { ...to, payload: last, logical_id });
        const loopback = await alice.rest('direct.send', { agent_id: alice.agentId, payload: itself });
        const unknown = await alice.rest('direct.send', { agent_id: toHex(context.random.bytes(32)), payload: plain });
        await alice.rest('direct.send', { ...to, payload: last });
        await received(context, atBob, last);
        const [own, inbox] = await Promise.all([readInbox(alice, ends[0]), readInbox(bob, ends[1])]);
        const committed = at(inbox, '/output/messages');

        claim('path', 'direct.committed', 'MUST', claims.equals(at(sent, '/output/path'), 'raw_quic_acked'));
        claim('payload', 'direct.committed', 'MUST', claims.includes(committed, at(sent, '/input/payload'), '/payload'));
        claim('request-id', 'direct.committed', 'MUST', claims.includes(committed, at(sent, '/output/request_id'), '/request_id'));
        claim('sender', 'direct.committed', 'MUST', claims.includes(committed, alice.agentId, '/sender'));
        claim('machine', 'direct.committed', 'MUST', claims.includes(committed, alice.machineId, '/machine_id'));
        claim('probe', 'direct.probe', 'MUST', claims.equals(at(sent, '/output/require_ack/ok'), true));
        const toBob = [{ at: '/input/agent_id', equals: bob.agentId }];
        const exactlyOnce = claims.deliveredExactlyOnce({
          sends: { processes: [alice.name], op: 'direct.send', where: [...toBob, { at: '/outcome', equals: 'ok' }] },
          key: '/input/payload',
          receivers: { at: '/input/agent_id' },
          retries: true,
          receipts: { nodes: [bob.name], stream: 'direct.events', where: [{ at: '/sender', equals: alice.agentId }] },
          receiptKey: '/payload',
          receiptSender: '/sender',
        });
        claim('exactly-once', 'direct.exactly-once', 'MUST', exactlyOnce);
        claim('logical-same', 'direct.logical-id', 'MUST', claims.equals(at(first, '/output/request_id'), at(again, '/output/request_id')));
        claim('logical-once', 'direct.logical-id', 'MUST', claims.occurs(directDeliveries(bob, once), { atLeast: 1, atMost: 1 }), {
          premise: claims.occurs(directDeliveries(bob, last)),
        });
        claim('logical-conflict', 'direct.logical-id', 'MUST', claims.status(conflict, 409));
        claim('loopback', 'direct.loopback', 'MUST', claims.equals(at(loopback, '/output/path'), 'loopback'));
        claim('loopback-committed', 'direct.loopback', 'MUST', claims.includes(at(own, '/output/messages'), itself, '/payload'));
        claim('unknown', 'direct.unknown', 'MUST', claims.status(unknown, 404));
      },
    },
  },
);
