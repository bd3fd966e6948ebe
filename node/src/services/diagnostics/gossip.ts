/** The numbers of `/diagnostics/gossip`, from the node's counters and from what was received over links. */
import type { OutputOf, Registry } from '@muster/contract';
import type { Counters } from '../counters.ts';
import { RECEIVE_CAPACITY } from '../links/link-manager.ts';
import { LANES } from '../links/receive-stats.ts';
import type { Lane, LaneStats, ReceiveStats } from '../links/receive-stats.ts';
import { toMicroseconds } from '../network/connectivity.ts';

type Gossip = OutputOf<Registry['diagnostics.gossip']>;

const UNUSED = ['no_interest', 'before_subscription', 'announcement_stale', 'rendezvous_stale'];

/** `uptime` in whole seconds */
export function gossipNumbers(counters: Counters, received: ReceiveStats, pubsub_stages: Gossip['pubsub_stages'], uptime: number): Gossip {
  const depth = ({ received: all, completed }: Readonly<LaneStats>): number => all - completed;
  const rate = (count: number): number => (uptime === 0 ? 0 : toMicroseconds(count / uptime));
  const dispatched = (stats: Readonly<LaneStats>) => ({
    received: stats.received,
    completed: stats.completed,
    timed_out: 0,
    max_elapsed_ms: Math.round(stats.maxElapsed),
    total_elapsed_ns: Math.round(stats.elapsed * 1_000_000),
    over_1s_count: stats.over1s,
    over_5s_count: stats.over5s,
    over_30s_count: stats.over30s,
  });
  // Messages go from the link to their handler without a queue between: nothing waits there and nothing is dropped.
  const pumped = (stats: Readonly<LaneStats>) => ({
    produced_total: stats.received,
    enqueued_total: stats.received,
    dequeued_total: stats.received,
    dropped_full: 0,
    dropped_closed: 0,
    latest_depth: depth(stats),
    max_depth: stats.maxDepth,
    capacity: RECEIVE_CAPACITY,
    max_dwell_ms: 0,
    avg_dwell_ms: 0,
    producer_per_sec: rate(stats.received),
    consumer_per_sec: rate(stats.completed),
  });
  const byLane = <T>(of: (stats: Readonly<LaneStats>) => T): Record<Lane, T> => {
    const [pubsub, membership, bulk] = LANES;
    return { pubsub: of(received.lane(pubsub)), membership: of(received.lane(membership)), bulk: of(received.lane(bulk)) };
  };
  return {
    stats: stages(counters),
    pubsub_stages,
    dispatcher: {
      ...byLane(dispatched),
      recv_depth: byLane((stats) => ({ latest: depth(stats), max: stats.maxDepth, capacity: RECEIVE_CAPACITY })),
      pubsub_workers: 1,
      membership_workers: 1,
    },
    recv_pump: { uptime_secs: uptime, ...byLane(pumped), per_peer: Object.fromEntries([...received.machines()].map(([id, by]) => [id, ofPeer(by)])) },
  };
}

/** Delivery is counted once for each subscription, from where a verified message is due there to where it was handed over. */
function stages(counters: Counters): Gossip['stats'] {
  const due = counters.get('gossip_due_to_subscriber_total');
  const delivered = counters.get('gossip_delivered_to_subscriber_total');
  const rejected = counters.get('gossip_incoming_rejected_total');
  // What was right and came to nobody's use here is no failure.
  const unused = UNUSED.reduce((sum, reason) => sum + counters.get(`gossip_rejected_total{reason="${reason}"}`), 0);
  const refused = rejected - unused;
  const settled = rejected + counters.get('gossip_incoming_duplicate_total') + counters.get('gossip_incoming_accepted_total');
  const inFlight = counters.get('gossip_incoming_total') - settled;
  return {
    publish_total: counters.get('gossip_publish_total'),
    publish_failed: counters.get('gossip_publish_failed_total'),
    incoming_total: due + refused + inFlight,
    incoming_decoded: due,
    incoming_decode_failed: refused,
    delivered_to_subscriber: delivered,
    slow_subscriber_dropped: counters.get('events_slow_reader_dropped_total'),
    subscriber_channel_closed: counters.get('gossip_subscriber_closed_total'),
    in_flight_decode: inFlight,
    decode_to_delivery_drops: due - delivered,
  };
}

function ofPeer(counts: Readonly<Record<Lane, number>>) {
  return {
    pubsub_produced: counts.pubsub,
    membership_produced: counts.membership,
    bulk_produced: counts.bulk,
    pubsub_dropped_full: 0,
    membership_dropped_full: 0,
    bulk_dropped_full: 0,
  };
}
