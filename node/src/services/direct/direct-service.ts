/**
 * Messages to one agent. `send` resolves when the recipient has committed the message, or throws a `CapabilityError` that says which way it failed.
 * Once a message was handed to a link its fate is the recipient's word: without one the answer is `timeout`, and the outbox goes on until it expires.
 */
import { CapabilityError } from '@muster/contract';
import {
  decodeDirectBody,
  DEFAULT_LIFETIME_MS,
  encodeDirectBody,
  EncodingError,
  EnvelopeError,
  fromBase64,
  MAX_DIRECT_ENVELOPE_BYTES,
  MAX_DIRECT_PAYLOAD_BYTES,
  openEnvelope,
  payloadDigest,
  sealEnvelope,
  toBase64,
  toHex,
} from '@muster/protocol';
import type { AgentId, DirectBody, DirectOutcome, NetworkId, RejectReason, VerifiedEnvelope } from '@muster/protocol';
import { StoreError } from '../../ports/index.ts';
import type { Clock, Crypto, Log, Store } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import type { Link } from '../links/link.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { KnownPeers } from '../peers/known-peers.ts';
import { AgentActivity } from './agent-activity.ts';
import { Inbox } from './inbox.ts';
import type { InboxMessage } from './inbox.ts';
import { Outbox } from './outbox.ts';
import type { PendingMessage } from './outbox.ts';

/** an attempt waits 16 round trips for the recipient's word, at least 2 s and at most 30 s; 4 s while the round trip is not known */
const ATTEMPT_ROUND_TRIPS = 16;
const ATTEMPT_MIN_MS = 2_000;
const ATTEMPT_MAX_MS = 30_000;
const ATTEMPT_UNKNOWN_MS = 4_000;
const RETRIES = 1;
/** for a link that is being made again right now */
const RELINK_MS = 2_000;
/** silent for eight heartbeats of 300 s */
const LIKELY_OFFLINE_SECS = 2_400;
const MAX_IN_FLIGHT = 4_096;
/** after a time-out, what is pending is sent again */
const RESUME_MS = 5_000;

export interface SendResult {
  readonly path: 'loopback' | 'raw_quic_acked';
  readonly retries: number;
  /** 32 hex characters */
  readonly requestId: string;
}

export interface DirectParts {
  readonly links: LinkManager;
  readonly store: Store;
  readonly contacts: ContactStore;
  readonly peers: KnownPeers;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly identity: LocalIdentity;
  readonly network: NetworkId;
  readonly counters: Counters;
  readonly log: Log;
  readonly inboxLimit: number;
}

type Logical = { readonly id: string; readonly digest: string };

export class DirectService {
  readonly inbox: Inbox;
  readonly activity: AgentActivity;
  readonly #parts: DirectParts;
  readonly #outbox: Outbox;
  readonly #awaiting = new Map<string, { link: Link; settle: (outcome: DirectOutcome | 'link lost') => void }>();
  readonly #sending = new Map<string, Promise<SendResult>>();
  /** by request id: whoever wants a message delivered that is under way joins in */
  readonly #resuming = new Set<AgentId>();
  readonly #active = new Map<string, Promise<SendResult>>();
  readonly #listeners = new Set<(message: InboxMessage) => void>();

  constructor(parts: DirectParts) {
    this.#parts = parts;
    this.activity = new AgentActivity(parts.clock);
    this.inbox = new Inbox(parts.store, parts.clock, parts.crypto, parts.log, parts.inboxLimit);
    this.#outbox = new Outbox(parts.store, parts.clock, parts.crypto, parts.log);
    parts.links.on({
      up: (link) => void this.#resume(link.agent),
      down: (link) => {
        for (const waiting of this.#awaiting.values()) if (waiting.link === link) waiting.settle('link lost');
      },
      message: (link, message) => {
        if (message.kind === 'direct') return this.#receive(link, message.envelope);
        if (message.kind === 'direct_ack') this.#acknowledged(link, toHex(message.requestId), message.outcome);
      },
    });
  }

  /** Called for every message once it is committed. */
  onMessage(listener: (message: InboxMessage) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** how many are told of every message */
  get listeners(): number {
    return this.#listeners.size;
  }

  async send(to: AgentId, payload: Uint8Array, logicalId?: string): Promise<SendResult> {
    const { counters, crypto } = this.#parts;
    counters.add('dm_outgoing_send_total');
    try {
      if (payload.length > MAX_DIRECT_PAYLOAD_BYTES) {
        throw failure(413, 'payload_too_large', `payload of ${payload.length} bytes, at most ${MAX_DIRECT_PAYLOAD_BYTES} allowed`);
      }
      const logical = logicalId === undefined ? undefined : { id: logicalId, digest: payloadDigest(crypto, payload) };
      const result = logical ? await this.#sendOnce(to, payload, logical) : await this.#sendNew(to, payload, undefined);
      counters.add('dm_outgoing_send_succeeded_total');
      this.activity.sent(to, result.path);
      return result;
    } catch (error) {
      counters.add('dm_outgoing_send_failed_total');
      this.activity.failed(to);
      if (error instanceof StoreError) throw failure(500, 'publish_failed', `storage unavailable: ${error.message}`);
      throw error;
    }
  }

  /** One message per logical id, however often it is sent, also at the same time. */
  #sendOnce(to: AgentId, payload: Uint8Array, logical: Logical): Promise<SendResult> {
    const key = `${to}/${logical.id}`;
    const record = this.#outbox.logical(to, logical.id);
    if (record && record.digest !== logical.digest) {
      throw failure(409, 'idempotency_conflict', `logical_id was used for another payload (request ${record.requestId})`);
    }
    const running = this.#sending.get(key);
    if (running) return running;
    const path = to === this.#parts.identity.agentId ? 'loopback' : 'raw_quic_acked';
    if (record?.committed) return Promise.resolve({ path, retries: 0, requestId: record.requestId });
    const stored = record && this.#outbox.get(record.requestId);
    const sending = (stored ? this.#deliver(stored) : this.#sendNew(to, payload, logical)).finally(() => this.#sending.delete(key));
    this.#sending.set(key, sending);
    return sending;
  }

  async #sendNew(to: AgentId, payload: Uint8Array, logical: Logical | undefined): Promise<SendResult> {
    const { clock, crypto, identity, network, counters } = this.#parts;
    const requestId = crypto.randomBytes(16);
    const body: DirectBody = { requestId, payload, ...(logical && { logicalId: logical.id }) };
    const id = toHex(requestId);
    if (to === identity.agentId) {
      const origin = { sender: to, machine: identity.machineId, decision: 'accept' as const, staleAfter: clock.now() + DEFAULT_LIFETIME_MS };
      if (!this.#commit(body, origin)) throw failure(409, 'idempotency_conflict', 'logical_id was used for another payload');
      if (logical) this.#outbox.committed({ requestId: id, to, envelope: '', expires: 0, logical });
      counters.add('dm_outgoing_path_loopback_total');
      return { path: 'loopback', retries: 0, requestId: id };
    }
    if (this.#active.size >= MAX_IN_FLIGHT) throw failure(503, 'no_connectivity', `${MAX_IN_FLIGHT} messages are already under way`);
    await this.#linkTo(to);
    const issued = clock.now();
    const envelope = await sealEnvelope(crypto, identity.agentKey, { kind: 'direct', network, to, payload: encodeDirectBody(body), issued });
    const message: PendingMessage = { requestId: id, to, envelope: toBase64(envelope), expires: issued + DEFAULT_LIFETIME_MS, logical };
    this.#outbox.add(message);
    return this.#deliver(message);
  }

  #deliver(message: PendingMessage): Promise<SendResult> {
    const running = this.#active.get(message.requestId);
    if (running) return running;
    const delivery = this.#attempts(message).finally(() => this.#active.delete(message.requestId));
    this.#active.set(message.requestId, delivery);
    return delivery;
  }

  /** Attempts until the recipient decided. A message that no link took is withdrawn: it certainly did not arrive. */
  async #attempts(message: PendingMessage): Promise<SendResult> {
    const { counters } = this.#parts;
    let handedOver = false;
    try {
      for (let retries = 0; retries <= RETRIES; retries++) {
        const link = await this.#linkTo(message.to).catch((error: unknown) => {
          if (!handedOver) throw error;
          return undefined;
        });
        if (!link) break;
        const outcome = await this.#attempt(link, message, () => {
          handedOver = true;
          counters.add('dm_outgoing_handed_over_total');
        });
        if (outcome === 'link lost' || outcome === 'timeout') continue;
        if (outcome.kind === 'rejected') {
          this.#outbox.abandon(message);
          throw rejection(outcome.reason);
        }
        this.#outbox.committed(message);
        counters.add('dm_outgoing_path_link_total');
        return { path: 'raw_quic_acked', retries, requestId: message.requestId };
      }
      if (!handedOver) throw failure(503, 'no_connectivity', 'the links to the recipient took no message; it was not sent');
      this.#resumeLater(message.to);
      throw failure(504, 'timeout', 'the recipient did not acknowledge in time; the message may still arrive until it expires');
    } catch (error) {
      if (!handedOver) this.#outbox.abandon(message);
      throw error;
    }
  }

  async #attempt(link: Link, message: PendingMessage, handedOver: () => void): Promise<DirectOutcome | 'link lost' | 'timeout'> {
    const { clock } = this.#parts;
    const answer = Promise.withResolvers<DirectOutcome | 'link lost' | 'timeout'>();
    const patience = link.rtt === undefined ? ATTEMPT_UNKNOWN_MS : Math.min(Math.max(link.rtt * ATTEMPT_ROUND_TRIPS, ATTEMPT_MIN_MS), ATTEMPT_MAX_MS);
    using _timer = clock.after(patience, () => answer.resolve('timeout'));
    this.#awaiting.set(message.requestId, { link, settle: answer.resolve });
    try {
      const envelope = fromBase64(message.envelope);
      while (!link.send({ kind: 'direct', envelope })) {
        if (link.wire.closed) return 'link lost';
        const outcome = await Promise.race([link.wire.room(), answer.promise]);
        if (outcome !== undefined) return outcome;
      }
      handedOver();
      return await answer.promise;
    } finally {
      this.#awaiting.delete(message.requestId);
    }
  }

  /** The link to the agent, made when there is none. Throws the failure that a caller should see. */
  async #linkTo(agent: AgentId): Promise<Link> {
    const { links, peers, clock } = this.#parts;
    const link = links.toAgent(agent);
    if (link) return link;
    const peer = peers.get(agent);
    if (!peer) throw failure(404, 'recipient_key_unavailable', 'nothing is known of this agent: no link, no card, no announcement');
    const dials = peer.addresses.map((address) => links.connect(address, peer.machine));
    const patience = Promise.withResolvers<never>();
    using _timer = clock.after(RELINK_MS, () => patience.reject(new Error(`no link within ${RELINK_MS} ms`)));
    try {
      await Promise.race([Promise.any(dials), patience.promise]);
    } catch {
      // Which failure it is depends on what is known of the peer, not on which dial failed how.
    }
    const made = links.toAgent(agent);
    if (made) return made;
    const silent = clock.now() / 1_000 - peer.lastSeen;
    if (links.hadLink(peer.machine)) throw failure(502, 'peer_disconnected', 'the link to the recipient ended and could not be made again');
    if (silent > LIKELY_OFFLINE_SECS) throw failure(502, 'peer_likely_offline', `the recipient was last heard of ${Math.round(silent)} s ago`);
    throw failure(503, 'no_connectivity', 'none of the known addresses of the recipient answers');
  }

  /** The recipient's word, also when nobody waits for it any more. */
  #acknowledged(link: Link, requestId: string, outcome: DirectOutcome): void {
    const waiting = this.#awaiting.get(requestId);
    if (waiting) return void (waiting.link.agent === link.agent && waiting.settle(outcome));
    const message = this.#outbox.get(requestId);
    if (message?.to !== link.agent) return;
    if (outcome.kind === 'committed') this.#outbox.committed(message);
    else this.#outbox.abandon(message);
  }

  /** A link that stays up brings no occasion to go on with what the recipient did not acknowledge. */
  #resumeLater(agent: AgentId): void {
    if (this.#resuming.has(agent)) return;
    this.#resuming.add(agent);
    this.#parts.clock.after(RESUME_MS, () => {
      this.#resuming.delete(agent);
      void this.#resume(agent);
    });
  }

  /** What was pending when the link went down, or this node, goes on. Without a link it waits for one: it may have been handed over before. */
  async #resume(agent: AgentId): Promise<void> {
    const { clock, links, log } = this.#parts;
    try {
      for (const message of this.#outbox.pending()) {
        if (message.to !== agent || this.#active.has(message.requestId)) continue;
        if (!links.toAgent(agent)) return;
        if (message.expires < clock.now()) this.#outbox.abandon(message);
        else
          await this.#deliver(message).catch((error: unknown) =>
            log.write('debug', 'pending message not delivered', { to: agent, error: String(error) }),
          );
      }
    } catch (error) {
      log.write('warn', 'cannot go on with pending messages', { error: String(error) });
    }
  }

  async #receive(link: Link, bytes: Uint8Array): Promise<void> {
    const { clock, contacts, counters, crypto, identity, log, network } = this.#parts;
    counters.add('dm_incoming_envelopes_total');
    let envelope: VerifiedEnvelope;
    let body: DirectBody;
    try {
      envelope = await openEnvelope(crypto, bytes, { now: clock.now(), network, maxBytes: MAX_DIRECT_ENVELOPE_BYTES, kinds: ['direct'] });
      body = decodeDirectBody(envelope.payload);
    } catch (error) {
      if (!(error instanceof EnvelopeError || error instanceof EncodingError)) throw error;
      counters.add(error.code === 'bad_signature' ? 'dm_incoming_signature_failed_total' : 'dm_incoming_decode_failed_total');
      return log.write('debug', 'direct message refused', { from: link.agent, reason: error.code });
    }
    const answer = (outcome: DirectOutcome): void => void link.send({ kind: 'direct_ack', requestId: body.requestId, outcome });
    const reject = (reason: RejectReason): void => {
      counters.add('dm_incoming_rejected_total');
      answer({ kind: 'rejected', reason });
    };
    // The machine is the link's, so the sender must be the link's agent: otherwise a pin would be checked against the wrong machine.
    if (envelope.header.to !== identity.agentId || envelope.sender !== link.agent) return reject('not_here');
    // What was committed stays committed, also for a sender that was blocked since.
    if (this.inbox.holds(body, envelope)) {
      counters.add('dm_incoming_duplicate_total');
      return answer({ kind: 'committed' });
    }
    const decision = contacts.evaluate(envelope.sender, link.machine);
    if (decision === 'reject_blocked' || decision === 'reject_machine_mismatch') {
      counters.add('dm_incoming_trust_rejected_total');
      return reject(decision === 'reject_blocked' ? 'blocked' : 'machine_mismatch');
    }
    try {
      const origin = { sender: envelope.sender, machine: link.machine, decision, staleAfter: envelope.staleAfter };
      if (this.#commit(body, origin)) answer({ kind: 'committed' });
      else reject('rejected');
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.write('error', 'cannot store a direct message', { error: error.message });
      reject('storage');
    }
  }

  /** Durable, then delivered to whoever listens. false: its logical id names another message. */
  #commit(body: DirectBody, origin: Parameters<Inbox['take']>[1]): boolean {
    const { counters, crypto, log } = this.#parts;
    const arrival = this.inbox.take(body, origin);
    if (arrival.kind === 'conflict') return false;
    if (arrival.kind === 'again') {
      counters.add('dm_incoming_duplicate_total');
      return true;
    }
    counters.add('dm_incoming_committed_total');
    this.activity.received(origin.sender);
    log.write('info', 'dm.trace received', { from: origin.sender, digest: payloadDigest(crypto, body.payload), request: toHex(body.requestId) });
    for (const listener of this.#listeners) {
      counters.add('dm_delivered_to_listener_total');
      listener(arrival.message);
    }
    return true;
  }
}

function failure(status: number, kind: string, detail: string): CapabilityError {
  return new CapabilityError(status, kind, { detail });
}

function rejection(reason: RejectReason): CapabilityError {
  const why: Partial<Record<RejectReason, string>> = {
    blocked: 'the recipient blocks this agent',
    machine_mismatch: 'the recipient accepts this agent from other machines only',
    storage: 'the recipient could not store the message',
  };
  return failure(403, 'recipient_rejected', `${reason}: ${why[reason] ?? 'the recipient refused the message'}`);
}
