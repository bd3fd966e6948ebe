/** `pubsub_stages` of `/diagnostics/gossip`: what the overlay did, stage by stage, and how it stands with its neighbours. */
import type { OutputOf, Registry } from '@muster/contract';
import { CUT_AT } from '../overlay/limits.ts';
import type { Timing } from '../overlay/stages.ts';
import type { TreeOverlay } from '../overlay/tree-overlay.ts';

type PubsubStages = OutputOf<Registry['diagnostics.gossip']>['pubsub_stages'];

/** neighbours times topics may be many */
const MAX_SCORES = 256;

/** `now` in Unix ms */
export function pubsubStages(overlay: TreeOverlay, now: number): PubsubStages {
  const { decode, verify, dedupe_check, eager_fanout, republish } = overlay.stages.timings;
  return {
    message_kinds: { ...overlay.stages.kinds },
    decode: timing(decode),
    verify: timing(verify),
    // One thread: nobody waits for a lock.
    dedupe_lock_acquire: { count: 0, total_elapsed_ns: 0, max_elapsed_ms: 0 },
    dedupe_check: timing(dedupe_check),
    eager_fanout: timing(eager_fanout),
    republish: timing(republish),
    republish_per_peer_timeout: overlay.notPassedOn,
    suppressed_peers: [...overlay.cutOff()].map(([peer_id, ms]) => ({
      peer_id,
      topic: '',
      suppressed_until_unix_ms: Math.round(now + ms),
      suppressed_for_ms: Math.round(ms),
      recent_timeout_count: overlay.sending(peer_id).timeouts,
    })),
    peer_scores: [...scores(overlay)],
  };
}

function* scores(overlay: TreeOverlay): Generator<PubsubStages['peer_scores'][number]> {
  const { machine } = overlay;
  let count = 0;
  for (const topic of machine.topics.all()) {
    const { eager, lazy } = topic.targets();
    for (const [role, peers] of Object.entries({ eager, lazy })) {
      for (const peer of peers) {
        if (++count > MAX_SCORES) return;
        const { slow, timeouts, pauses } = overlay.sending(peer);
        yield {
          peer_id: peer,
          topic: topic.name,
          role,
          score: 1 - Math.min(1, machine.scores.of(peer) / CUT_AT),
          send_health: slow ? 0 : 1,
          eager_eligible: !slow,
          outbound_send_timeouts: timeouts,
          cooling_events: pauses,
        };
      }
    }
  }
}

function timing({ count, elapsed, maxElapsed }: Timing) {
  return { count, total_elapsed_ns: Math.round(elapsed * 1_000_000), max_elapsed_ms: Math.round(maxElapsed) };
}
