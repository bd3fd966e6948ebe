import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import {
  countersOf,
  deliveries,
  directDeliveries,
  inboxEnd,
  keepContact,
  openStream,
  payloadOf,
  published,
  readInbox,
  received,
  subscribe,
  twoOf,
} from '../nodes.ts';

/** ms in which an honest node has judged a message that it was handed */
const JUDGED_LIMIT_MS = 3_000;

export const blocked = exercise(
  {
    'blocked.direct': 'A direct message of a blocked agent is refused by its receiver (403 recipient_rejected) and is never in its inbox or streams.',
    'blocked.gossip': 'What a blocked agent publishes is not delivered.',
    'blocked.sending': 'Sending to an agent that is blocked here is refused with 403.',
    'blocked.lifted': 'Once unblocked, the agent is heard again.',
  },
  {
    id: 'smoke/blocked',
    title: 'a blocked agent is not heard',
    needs: { nodes: 2, capabilities: ['contacts.setTrust', 'direct.send', 'direct.inbox', 'direct.events', 'messaging.events', 'messaging.publish'] },
    phases: {
      async setup(context) {
        const [alice, bob] = twoOf(context);
        return keepContact(context, bob, alice.agentId);
      },
      async drive(context) {
        const { claim, need } = context;
        const [alice, bob] = twoOf(context);
        const topic = context.topic('talk');
        const whileBlocked = payloadOf(`${topic} while blocked`);
        const afterwards = payloadOf(`${topic} afterwards`);
        const end = await inboxEnd(context, bob);
        const messages = await openStream(context, bob, 'messaging.events');
        const direct = await openStream(context, bob, 'direct.events');
        await using _heard = await subscribe(context, bob, topic);
        await need(bob.rest('contacts.setTrust', { agent_id: alice.agentId, level: 'blocked' }), 'bob blocks alice');

        const judged = await judging(context, bob);
        await need(alice.rest('messaging.publish', { topic, payload: whileBlocked }), 'alice publishes');
        const refused = await alice.rest('direct.send', { agent_id: bob.agentId, payload: whileBlocked });
        const sending = await bob.rest('direct.send', { agent_id: alice.agentId, payload: whileBlocked });
        await judged();

        await need(bob.rest('contacts.setTrust', { agent_id: alice.agentId, level: 'known' }), 'bob unblocks alice');
        await need(alice.rest('messaging.publish', { topic, payload: afterwards }), 'alice publishes again');
        const heard = await alice.rest('direct.send', { agent_id: bob.agentId, payload: afterwards });
        await Promise.all([published(context, messages, topic, afterwards), received(context, direct, afterwards)]);
        const inbox = await readInbox(bob, end);

        claim('direct-refused', 'blocked.direct', 'MUST', claims.status(refused, 403));
        claim('direct-reason', 'blocked.direct', 'MUST', claims.equals(at(refused, '/output/error'), 'recipient_rejected'));
        const list = at(inbox, '/output/messages');
        claim('direct-not-committed', 'blocked.direct', 'MUST', claims.excludes(list, whileBlocked, '/payload'), {
          premise: claims.includes(list, afterwards, '/payload'),
        });
        claim('direct-not-delivered', 'blocked.direct', 'MUST', claims.never(directDeliveries(bob, whileBlocked)), {
          premise: claims.occurs(directDeliveries(bob, afterwards)),
        });
        claim('gossip-not-delivered', 'blocked.gossip', 'MUST', claims.never(deliveries(topic, { nodes: [bob], payload: whileBlocked })), {
          premise: claims.occurs(deliveries(topic, { nodes: [bob], payload: afterwards })),
        });
        claim('sending-refused', 'blocked.sending', 'MUST', claims.status(sending, 403));
        claim('sending-reason', 'blocked.sending', 'MUST', claims.equals(at(sending, '/output/error'), 'agent is blocked'));
        claim('heard-again', 'blocked.lifted', 'MUST', claims.equals(at(heard, '/output/ok'), true));
        claim('gossip-again', 'blocked.lifted', 'MUST', claims.occurs(deliveries(topic, { nodes: [bob], payload: afterwards })));
      },
      finally: (_, putBack) => putBack(),
    },
  },
);

/** What was published while blocked must have been judged before the block is lifted; a node that counts tells when. */
async function judging(context: ScenarioContext, node: NodeHandle): Promise<() => Promise<void>> {
  if (!context.capabilities.has('status.metrics')) return async () => undefined;
  const refusals = async (): Promise<number> => {
    const counters = await countersOf(node);
    const [all = 0, internal = 0] = ['rejected', 'internal_rejected'].map((what) => counters.get(`gossip_${what}_total{reason="sender_blocked"}`));
    return all - internal;
  };
  const before = await refusals();
  return async () => {
    await context.eventually(`${node.name} has judged it`, async () => (await refusals()) > before, JUDGED_LIMIT_MS);
  };
}
