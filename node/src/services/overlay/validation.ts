/** Messages of others on their way through the machine: their form, signature and novelty are checked here, and what becomes of each is counted. */
import {
  CheckedBatches,
  EnvelopeError,
  inspectEnvelope,
  MAX_BEACON_ENVELOPE_BYTES,
  MAX_PUBLISH_ENVELOPE_BYTES,
  PRESENCE_TOPIC,
  verifyEnvelope,
} from '@muster/protocol';
import type { EnvelopeHeader, InspectedEnvelope, NetworkId } from '@muster/protocol';
import type { Clock, Crypto, Log } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { BulkQueue } from '../links/wire.ts';
import { GOSSIP_KINDS } from '../messaging/overlay.ts';
import type { OverlayEvents, OverlayMessage } from '../messaging/overlay.ts';
import type { ReplayMemory } from '../messaging/replay-memory.ts';
import type { Item, Outcome, Verdict } from './types.ts';

/** refusals that say something about clocks, not about the peer's honesty */
const UNTIMELY: readonly string[] = ['stale', 'future'];

export interface ValidationParts {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly network: NetworkId;
  readonly counters: Counters;
  readonly log: Log;
  readonly replays: ReplayMemory;
  readonly events: OverlayEvents;
}

/** A message on its way through the machine. */
export interface Parcel {
  readonly bytes: Uint8Array;
  /** as it arrived, and once it is verified; nothing but bytes is kept of what was settled */
  envelope: InspectedEnvelope | undefined;
  /** where it waits on a link: no flood of other messages may hold up signs of life and sealed direct messages */
  readonly queue: BulkQueue;
  message: OverlayMessage | undefined;
  refused: string | undefined;
  settle: (() => void) | undefined;
}

export class Validation {
  readonly #parts: ValidationParts;
  readonly #checked: CheckedBatches;

  constructor(parts: ValidationParts) {
    this.#parts = parts;
    this.#checked = new CheckedBatches(parts.crypto);
  }

  /** One that cannot be read is refused; of one that only its time speaks against, the id is told. `settle` is called once it is clear what becomes of it. */
  inspect(bytes: Uint8Array, settle: () => void): Item<Parcel> | { readonly untimely: string | undefined } {
    const { crypto, clock, network } = this.#parts;
    const limits = { now: clock.now(), network, maxBytes: MAX_PUBLISH_ENVELOPE_BYTES, kinds: GOSSIP_KINDS };
    try {
      const envelope = inspectEnvelope(crypto, bytes, limits);
      return itemOf(envelope.id, envelope.header, bytes, envelope, settle);
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      this.#refused(error.code);
      return { untimely: UNTIMELY.includes(error.code) ? inspectEnvelope(crypto, bytes, { ...limits, skewMs: Infinity }).id : undefined };
    }
  }

  async judge(parcel: Parcel): Promise<Verdict> {
    const { crypto, clock, replays, events } = this.#parts;
    try {
      const message = { ...(await verifyEnvelope(crypto, parcel.envelope!, this.#checked)), bytes: parcel.bytes };
      const seen = replays.seen(message, clock.now());
      const refusal = seen === 'fresh' ? events.refuses(message) : seen;
      if (refusal !== undefined) parcel.refused = refusal;
      else parcel.message = message;
      return parcel.message ? 'good' : 'unwanted';
    } catch (error) {
      parcel.refused = error instanceof EnvelopeError ? error.code : 'failed';
      return error instanceof EnvelopeError ? 'forged' : 'unwanted';
    }
  }

  settle(parcel: Parcel, outcome: Outcome): void {
    const { counters, events, log } = this.#parts;
    try {
      if (outcome === 'accepted') {
        counters.add('gossip_incoming_accepted_total');
        events.accepted(parcel.message!);
      } else if (outcome === 'duplicate' || parcel.refused === 'replay') counters.add('gossip_incoming_duplicate_total');
      else if (outcome === 'early') this.#refused('before_subscription');
      else if (outcome === 'no_interest') {
        this.#refused('no_interest');
        counters.add('gossip_no_subscriber_total');
      } else this.#refused(parcel.refused ?? 'overload', parcel.envelope?.header.kind);
    } catch (error) {
      counters.add('link_events_failed_total');
      log.write('error', 'a subscriber failed', { error: String(error) });
    } finally {
      parcel.settle?.();
      parcel.envelope = undefined;
      parcel.message = undefined;
      parcel.settle = undefined;
    }
  }

  #refused(reason: string, kind?: string): void {
    const { counters } = this.#parts;
    // The node's own traffic is counted apart as well, so that the rest can be compared with what users did.
    if (kind !== undefined && kind !== 'publish') counters.add(`gossip_internal_rejected_total{reason="${reason}"}`);
    counters.add('gossip_incoming_rejected_total');
    counters.add(`gossip_rejected_total{reason="${reason}"}`);
  }
}

export function itemOf(id: string, header: EnvelopeHeader, bytes: Uint8Array, envelope?: InspectedEnvelope, settle?: () => void): Item<Parcel> {
  const { to: topic, issued, expires, kind } = header;
  const urgent = kind === 'announce' && topic === PRESENCE_TOPIC && bytes.length <= MAX_BEACON_ENVELOPE_BYTES;
  const queue = urgent ? 'urgent' : kind === 'inbox' ? 'direct' : 'bulk';
  const content = { bytes, envelope, queue, settle, message: undefined, refused: undefined } as const;
  return { id, topic, issued, expires, size: bytes.length, internal: kind === 'announce', content };
}
