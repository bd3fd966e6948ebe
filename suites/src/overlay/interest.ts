import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, countersOf, deliveries, openStream, payloadOf, published, subscribe, threeOf } from '../nodes.ts';
import { Audience } from './audience.ts';
import { takersOf } from './takes-part.ts';

const PRUNED_MS = 10_000;
const NEWCOMERS = 3;
const MESSAGES = 20;

export const interest = exercise(
  {
    'overlay.next': 'Whoever has just subscribed gets the next message, also from a node that it has no link with.',
    'overlay.carried': 'Messages cross a node that does not listen to their topic, each once, without being asked for.',
    'overlay.pruned': 'A node with no interest in a topic and none behind it is out of it within 10 s.',
  },
  {
    id: 'overlay/interest',
    title: 'interest in a topic reaches along a line of nodes, and goes again',
    needs: { nodes: 3, wiring: 'line', capabilities: ['messaging.publish', 'messaging.events', 'diagnostics.gossip', 'status.metrics'] },
    phases: {
      async drive(context) {
        const { claim, eventually, need, record } = context;
        const [alice, bob, carol] = threeOf(context);
        await Promise.all([untilLinked(context, alice, bob, ARRIVAL_LIMIT_MS), untilLinked(context, bob, carol, ARRIVAL_LIMIT_MS)]);
        const events = await openStream(context, carol, 'messaging.events');
        for (let newcomer = 1; newcomer <= NEWCOMERS; newcomer++) {
          const topic = context.topic(`new-${newcomer}`);
          const payload = payloadOf('the next message');
          await using _subscription = await subscribe(context, carol, topic);
          await need(alice.rest('messaging.publish', { topic, payload }), 'alice publishes');
          await published(context, events, topic, payload);
          const heard = claims.occurs(deliveries(topic, { nodes: [carol], payload }), { atLeast: 1, atMost: 1 });
          claim(`next/${newcomer}`, 'overlay.next', 'MUST', heard, { title: 'the next message after subscribe arrives' });
        }

        // One stream at a time: each tells of everything.
        await events[Symbol.asyncDispose]();
        const audience = await Audience.of(context, [carol], context.topic('carried'));
        await audience.say(alice, ['first']);
        await audience.heard([carol], 1, 'the way is known', ARRIVAL_LIMIT_MS);
        // Nodes ask one another for what they tell of themselves, too: that is counted apart.
        const onTheWay = async (): Promise<{ pulled: number; carried: number }> => {
          const counters = await countersOf(bob);
          const value = (name: string): number => counters.get(`gossip_${name}_total`) ?? 0;
          return { pulled: value('pulled') - value('announcements_pulled'), carried: value('messages') - value('internal_messages') };
        };
        const before = await onTheWay();
        await audience.say(
          alice,
          Array.from({ length: MESSAGES }, (_, index) => `carried ${index}`),
        );
        await audience.heard([carol], 1 + MESSAGES, 'all were carried', ARRIVAL_LIMIT_MS);
        const after = await onTheWay();
        const counted = { pulled: after.pulled - before.pulled, carried: after.carried - before.carried };
        const wanted = record.observe('lab', 'overlay', 'asked-for', counted);
        const apart = claims.excludes({ seq: await peersLine(context, carol), at: '/data/peers' }, alice.machineId);
        claim('carried', 'overlay.carried', 'MUST', audience.exactlyOnce([carol]), { premise: apart });
        claim('pushed', 'overlay.carried', 'MUST', claims.atMost({ seq: wanted.seq, at: '/data/pulled' }, 1), {
          premise: claims.atLeast({ seq: wanted.seq, at: '/data/carried' }, MESSAGES),
        });

        const takers = record.observe('lab', 'overlay', 'takers', { nodes: await takersOf([bob, carol], audience.topic) });
        await audience[Symbol.asyncDispose]();
        const none = async (): Promise<boolean> => (await takersOf([bob, carol], audience.topic)).length === 0;
        const pruned = await eventually('nobody carries the topic any more', none, PRUNED_MS);
        claim('pruned', 'overlay.pruned', 'MUST', claims.atMost({ seq: pruned.seq, at: '/data/ms' }, PRUNED_MS, 'ms'), {
          premise: claims.includes({ seq: takers.seq, at: '/data/nodes' }, bob.name),
        });
      },
    },
  },
);

async function peersLine(context: Parameters<typeof untilLinked>[0], node: ReturnType<typeof threeOf>[number]): Promise<number> {
  const { peers } = await node.client.network.peers();
  return context.record.observe(node.name, 'overlay', 'peers', { peers: peers.map(({ id }) => id) }).seq;
}
