/** One line a minute for whoever reads the log at level `info`: how the node is, and what went through it since the last one. */
import type { Clock, Log } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { PresenceService } from '../presence/presence-service.ts';

const STATUS_LINE_MS = 60_000;

export interface StatusLineParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: Counters;
  readonly links: Pick<LinkManager, 'size'>;
  readonly presence: Pick<PresenceService, 'online'>;
  /** `process_resident_memory_bytes` among them */
  readonly gauges: () => Readonly<Record<string, number>>;
}

/** Field of the line → counter. */
const MESSAGES = {
  published: 'gossip_publish_total',
  received: 'gossip_incoming_accepted_total',
  delivered: 'gossip_delivered_to_subscriber_total',
  direct_sent: 'dm_outgoing_send_total',
  direct_received: 'dm_incoming_envelopes_total',
} as const;

/** Writes `node status` every minute until disposed. */
export function logStatus({ clock, log, counters, links, presence, gauges }: StatusLineParts): Disposable {
  const totals = (): number[] => Object.values(MESSAGES).map((name) => counters.get(name));
  let before = totals();
  return clock.every(STATUS_LINE_MS, () => {
    const now = totals();
    const grown = Object.fromEntries(Object.keys(MESSAGES).map((field, index) => [field, now[index]! - before[index]!]));
    before = now;
    const bytes = gauges()['process_resident_memory_bytes'];
    const memory = bytes === undefined ? {} : { memory_mb: Math.round(bytes / 1_000_000) };
    log.write('info', 'node status', { peers: presence.online().length, links: links.size, ...grown, ...memory });
  });
}
