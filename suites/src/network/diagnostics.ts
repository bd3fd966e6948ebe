import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { openStream, payloadOf, published, received, subscribe, twoOf } from '../nodes.ts';

/** published, and sent */
const MESSAGES = 5;
/** ms in which what is being verified has been */
const SETTLED_MS = 1_000;

export const diagnostics = exercise(
  {
    'diagnostics.gossip':
      'What was published is counted where it was published and where it was delivered, and nothing is lost between being decoded and delivered.',
    'diagnostics.dm': 'Direct messages are counted at both ends, in all and by agent, with the path that they took.',
  },
  {
    id: 'network/diagnostics',
    title: 'diagnostics count what was published and sent',
    needs: { nodes: 2, capabilities: ['diagnostics.gossip', 'diagnostics.dm', 'messaging.publish', 'messaging.events', 'direct.send'] },
    phases: {
      async drive(context) {
        const { claim, need } = context;
        const [alice, bob] = twoOf(context);
        const name = context.topic('counted');
        const payloads = Array.from({ length: MESSAGES }, (_, index) => payloadOf(`${name} ${index}`));
        const atBob = await openStream(context, bob, 'messaging.events');
        const directAtBob = await openStream(context, bob, 'direct.events');
        await using _bob = await subscribe(context, bob, name);
        const [published0, delivered0, sent0, got0] = await Promise.all([
          need(alice.rest('diagnostics.gossip'), 'alice counts'),
          need(bob.rest('diagnostics.gossip'), 'bob counts'),
          need(alice.rest('diagnostics.dm'), 'alice counts direct messages'),
          need(bob.rest('diagnostics.dm'), 'bob counts direct messages'),
        ]);
        for (const payload of payloads) {
          await alice.rest('messaging.publish', { topic: name, payload });
          await alice.rest('direct.send', { agent_id: bob.agentId, payload });
        }
        await Promise.all(
          payloads.map((payload) => Promise.all([published(context, atBob, name, payload), received(context, directAtBob, payload)])),
        );
        const quiet = async () => (await bob.client.diagnostics.gossip()).stats.in_flight_decode === 0;
        await context.eventually('nothing is being verified', quiet, SETTLED_MS);
        const [out, delivered, sent, got] = await Promise.all([
          alice.rest('diagnostics.gossip'),
          bob.rest('diagnostics.gossip'),
          alice.rest('diagnostics.dm'),
          bob.rest('diagnostics.dm'),
        ]);
        const grew = (check: string, requirement: string, reference: ReturnType<typeof at>, before: number | undefined): void =>
          claim(check, requirement, 'MUST', claims.atLeast(reference, (before ?? 0) + MESSAGES));
        const stats = (field: string): string => `/output/stats/${field}`;
        grew('published', 'diagnostics.gossip', at(out, stats('publish_total')), published0.stats.publish_total);
        for (const stage of ['incoming_total', 'incoming_decoded', 'delivered_to_subscriber'] as const)
          grew(stage, 'diagnostics.gossip', at(delivered, stats(stage)), delivered0.stats[stage]);
        claim('no-drops', 'diagnostics.gossip', 'MUST', claims.equals(at(delivered, stats('decode_to_delivery_drops')), 0));
        for (const stage of ['outgoing_send_total', 'outgoing_send_succeeded'] as const)
          grew(stage, 'diagnostics.dm', at(sent, stats(stage)), sent0.stats[stage]);
        for (const stage of ['incoming_envelopes_total', 'incoming_delivered_to_subscribe'] as const)
          grew(stage, 'diagnostics.dm', at(got, stats(stage)), got0.stats[stage]);
        const ofBob = `/output/per_peer/${bob.agentId}`;
        grew('sent-to-bob', 'diagnostics.dm', at(sent, `${ofBob}/send_succeeded`), sent0.per_peer[bob.agentId]?.send_succeeded);
        const heard = got0.per_peer[alice.agentId]?.recv_count;
        grew('heard-from-alice', 'diagnostics.dm', at(got, `/output/per_peer/${alice.agentId}/recv_count`), heard);
        claim('path', 'diagnostics.dm', 'MUST', claims.oneOf(at(sent, `${ofBob}/preferred_path`), ['raw_quic_acked', 'gossip_inbox']));
      },
    },
  },
);
