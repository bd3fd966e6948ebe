import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { countersOf } from '../nodes.ts';
import { Audience } from './audience.ts';
import { takersOf } from './takes-part.ts';

const NODES = 30;
/** ms from the last node's start until all are one overlay */
const WHOLE_MS = 2_000;
const BURST = 1_000;
/** for what a busy machine takes; the deadline itself is a check */
const PATIENCE_MS = 60_000;
const BURST_MS = 120_000;
/** ms in which a node that has no use for a topic any more is out of it */
const PRUNED_MS = 10_000;
const LISTENERS = 3;

export const thirty = exercise(
  {
    'overlay.whole': 'Thirty nodes that know one of them only are one overlay within 2 s of the last start.',
    'overlay.burst': 'A burst of 1,000 messages reaches all thirty nodes, exactly once each.',
    'overlay.interest': 'A topic that few nodes listen to is carried by them and by those between them, not by all.',
  },
  {
    id: 'overlay/thirty',
    title: 'thirty nodes find together, and give everything to everyone once',
    needs: {
      nodes: NODES,
      wiring: 'star',
      // As a user's node has it: what thirty nodes say of themselves is to be little beside what they are given to say.
      config: { heartbeat_interval_secs: 300 },
      crowd: NODES,
      capabilities: ['messaging.publish', 'messaging.events', 'diagnostics.gossip', 'status.metrics'],
    },
    limit: 300_000,
    phases: {
      async drive(context) {
        const { claim, nodes, record, clock, topic } = context;
        await using all = await Audience.of(context, nodes, topic('all'));
        await Promise.all(nodes.map((node) => all.say(node, [`${node.name} is here`])));
        const met = await all.heard(nodes, NODES, 'everyone has heard everyone', PATIENCE_MS);
        // Each node says how old it is, and since when it is in the network it is in now.
        const ages = await Promise.all(
          nodes.map(async (node) => {
            const counters = await countersOf(node);
            const now = clock.monotonic();
            const at = (name: string): number => now - (counters.get(`overlay_${name}_milliseconds`) ?? 0);
            return { started: at('age'), joined: at('root_age') };
          }),
        );
        const whole = Math.max(...ages.map(({ joined }) => joined)) - Math.max(...ages.map(({ started }) => started));
        const joined = record.observe('lab', 'overlay', 'whole', { nodes: NODES, ms: Math.max(0, Math.round(whole)) });
        claim('met', 'overlay.whole', 'MUST', claims.exists({ seq: met.seq, at: '/data/ms' }), { title: 'each hears each' });
        claim('whole', 'overlay.whole', 'MUST', claims.atMost({ seq: joined.seq, at: '/data/ms' }, WHOLE_MS, 'ms'));

        const begun = clock.monotonic();
        await all.sayMany(nodes, BURST, 'burst');
        await all.heard(nodes, NODES + BURST, 'everyone has the burst', BURST_MS);
        const seconds = (clock.monotonic() - begun) / 1_000;
        record.observe('lab', 'overlay', 'burst', {
          messages: BURST,
          ms: Math.round(seconds * 1_000),
          deliveries_per_second: Math.round((BURST * NODES) / seconds),
        });
        claim('once', 'overlay.burst', 'MUST', all.exactlyOnce(nodes), { title: 'everything reached everyone once' });

        const few = nodes.slice(0, LISTENERS);
        await using some = await Audience.of(context, few, topic('few'));
        await some.say(few[0]!, ['for few']);
        await some.heard(few, 1, 'the few have heard', PATIENCE_MS);
        const takers = record.observe('lab', 'overlay', 'takers', { nodes: await takersOf(nodes, some.topic) });
        claim('few', 'overlay.interest', 'MUST', claims.absent({ seq: takers.seq, at: `/data/nodes/${NODES - 1}` }));
        await some[Symbol.asyncDispose]();
        const none = async (): Promise<boolean> => (await takersOf(nodes, some.topic)).length === 0;
        const pruned = await context.eventually('nobody carries the topic any more', none, PRUNED_MS);
        claim('pruned', 'overlay.interest', 'MUST', claims.atMost({ seq: pruned.seq, at: '/data/ms' }, PRUNED_MS, 'ms'));
      },
    },
  },
);
