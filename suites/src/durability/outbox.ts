/**
 * The sender is killed with two messages pending: one never got through, the other did but its acknowledgement was lost.
 * One direction of the link is cut for each: bytes left in the socket of a killed process would still arrive.
 */
import { type NodeHandle, scenario, type ScenarioContext } from '@muster/lab';
import { claims } from '@muster/proof';
import { payloadOf, twoOf } from '../nodes.ts';
import { untilMeshed } from '../links/peers.ts';
import { inInbox, recordInbox } from './inbox-record.ts';
import { required } from './requirements.ts';

/** a signed envelope is larger, a ping much smaller */
const ENVELOPE_BYTES = 5000;
const LOST = payloadOf('the message was lost');
const UNACKNOWLEDGED = payloadOf('the acknowledgement was lost');

export const pendingMessagesOutliveKill = scenario({
  id: 'durability/outbox',
  title: 'messages that were pending when their sender was killed arrive exactly once',
  requirements: [required.pending.id],
  needs: { nodes: 2, powers: ['kill', 'half-open'], wiring: 'proxied', capabilities: ['direct.send', 'direct.inbox'] },
  phases: {
    async drive(context) {
      const { claim, eventually, faults, links } = context;
      const [alice, bob] = twoOf(context);
      const link = links[0]!;
      await untilMeshed(context, [alice, bob], 5000);

      const deafening = faults.halfOpen(link, bob);
      const unacknowledged = alice.rest('direct.send', { agent_id: bob.agentId, payload: UNACKNOWLEDGED });
      const deaf = await deafening;
      const arrived = await eventually('the message arrived', () => holds(context, bob, UNACKNOWLEDGED), 5000);
      const silencing = faults.halfOpen(link, alice);
      const lost = alice.rest('direct.send', { agent_id: bob.agentId, payload: LOST });
      const silent = await silencing;
      const backward = link.to === alice.name ? 'backward' : 'forward';
      const sent = await eventually('the message was withheld', () => link.path.withheld(backward).bytes > ENVELOPE_BYTES, 5000);
      const killed = await faults.kill(alice);
      await Promise.all([unacknowledged, lost]);
      await Promise.all([deaf.heal(), silent.heal(), killed.heal()]);
      await eventually('the lost message arrived', () => holds(context, bob, LOST), 10_000);
      await untilMeshed(context, [alice, bob], 5000, 'linked again');
      // Acknowledged after all that was pending: whatever arrives twice has arrived twice by then.
      await context.need(alice.rest('direct.send', { agent_id: bob.agentId, payload: payloadOf('marker') }), 'a message gets through');
      await recordInbox(context, bob);

      const once = (payload: string) => claims.occurs({ ...inInbox(bob), where: [{ at: '/payload', equals: payload }] }, { atLeast: 1, atMost: 1 });
      const needsFaults = [killed, deaf, silent];
      claim('never-arrived', required.pending.id, 'MUST', once(LOST), {
        title: 'a message that had not got through arrives once',
        premise: claims.exists({ seq: sent.seq, at: '/data/ms' }),
        needsFaults,
      });
      claim('unacknowledged', required.pending.id, 'MUST', once(UNACKNOWLEDGED), {
        title: 'a message whose acknowledgement was lost does not arrive again',
        premise: claims.exists({ seq: arrived.seq, at: '/data/ms' }),
        needsFaults,
      });
    },
  },
});

async function holds({ signal }: ScenarioContext, node: NodeHandle, payload: string): Promise<boolean> {
  const { messages } = await node.client.direct.inbox({}, { signal });
  return messages.some((message) => message.payload === payload);
}
