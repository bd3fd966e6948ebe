import { isDeepStrictEqual } from 'node:util';
import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { claims, type Observations } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { countersOf, deliveries } from '../nodes.ts';
import { type Load, prepareLoad, runLoad, sendsOf } from './load.ts';

/** Part of the messages of the suite, and enough for a lie of one in a hundred to show. */
const COUNTED = { share: 0.1, least: 100 };
const LIMIT_MS = 600_000;
/** ms in which a node has examined every copy that it was handed */
const SETTLE_LIMIT_MS = 5_000;

const GOSSIP = {
  published: 'gossip_publish_total',
  publishedInternally: 'gossip_internal_publish_total',
  messages: 'gossip_messages_total',
  messagesInternally: 'gossip_internal_messages_total',
  relayed: 'gossip_relayed_total',
  relayedInternally: 'gossip_internal_relayed_total',
  delivered: 'gossip_delivered_to_subscriber_total',
  deliveredInternally: 'gossip_internal_delivered_to_subscriber_total',
  incoming: 'gossip_incoming_total',
  accepted: 'gossip_incoming_accepted_total',
  duplicate: 'gossip_incoming_duplicate_total',
  rejected: 'gossip_incoming_rejected_total',
} as const;
type Count = keyof typeof GOSSIP;

export const counters = (nodes: number) =>
  exercise<Load>(
    {
      'counters.published': 'A node counts as many publishes as were accepted from its users, besides its own announcements.',
      'counters.messages': 'A node counts every message of every node once.',
      'counters.delivered': 'A node counts as many deliveries as its subscribers got.',
      'counters.stages': 'Every copy that came in is counted as accepted, duplicate or rejected.',
    },
    {
      id: 'stress/counters',
      title: 'what nodes count is what happened',
      // On nodes that others use as well, nobody could say whose messages were counted.
      needs: { nodes, powers: ['world'], capabilities: ['status.metrics', 'messaging.publish', 'messaging.subscribe', 'messaging.events'] },
      limit: LIMIT_MS,
      phases: {
        setup: (context) => prepareLoad(context, 'counted', COUNTED),
        async drive(context, load) {
          await snapshots(context, load.nodes);
          await runLoad(context, load);
          await snapshots(context, load.nodes);
        },
        async eventually({ claim }, load) {
          const { sends } = sendsOf(load);
          for (const { name } of load.nodes) {
            const grew = (count: Count) => ({ counter: snapshotsOf(name), at: `/${count}`, take: 'growth' as const });
            const own = { operations: { ...sends, processes: [name] } };
            const seen = { observations: { ...deliveries(load.topic), nodes: [name] } };
            const agree = (check: string, left: Parameters<typeof claims.countersAgree>[0], right: typeof left): void =>
              claim(`${name}/${check}`, `counters.${check}`, 'MUST', claims.countersAgree(left, right));
            agree('published', [grew('published')], [own, grew('publishedInternally')]);
            // What was said in a topic of others before may be passed on by this node only now.
            const others = { all: grew('relayed'), internal: grew('relayedInternally') };
            agree('messages', [grew('messages'), others.internal], [{ operations: sends }, grew('messagesInternally'), others.all]);
            agree('delivered', [grew('delivered')], [seen, grew('deliveredInternally')]);
            agree('stages', [grew('incoming')], [grew('accepted'), grew('duplicate'), grew('rejected')]);
          }
        },
        async finally(_, load) {
          await load[Symbol.asyncDispose]();
        },
      },
    },
  );

function snapshotsOf(node: string): Observations {
  return { nodes: [node], stream: 'metrics', event: 'snapshot' };
}

/** Records the counters of each node as they stand when every copy that came in was examined: nodes talk among themselves all the time. */
async function snapshots(context: ScenarioContext, nodes: readonly NodeHandle[]): Promise<void> {
  await Promise.all(
    nodes.map(async (node) => {
      let counts = await countsOf(node);
      await context.eventually(`${node.name} has examined every copy`, async () => {
        const before = counts;
        counts = await countsOf(node);
        // A message is counted first, and as one of the nodes' own a moment later.
        const still = isDeepStrictEqual(counts, before);
        return still && counts.incoming === counts.accepted + counts.duplicate + counts.rejected;
      }, SETTLE_LIMIT_MS); // prettier-ignore
      context.record.observe(node.name, 'metrics', 'snapshot', counts);
    }),
  );
}

/** One that was never moved is not told, and stands at 0. */
async function countsOf(node: NodeHandle): Promise<Record<Count, number>> {
  const told = await countersOf(node);
  return Object.fromEntries(Object.entries(GOSSIP).map(([count, name]) => [count, told.get(name) ?? 0])) as Record<Count, number>;
}
