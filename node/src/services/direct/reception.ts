/** What becomes of a message that arrived, whichever way: refused with a reason, told apart from what was committed before, or committed and told. */
import {
  decodeDirectBody,
  decodeStrict,
  EncodingError,
  EnvelopeError,
  MAX_DIRECT_BODY_BYTES,
  MAX_DIRECT_ENVELOPE_BYTES,
  openEnvelope,
  REQUEST_ID_BYTES,
} from '@muster/protocol';
import type { AgentId, DirectBody, DirectOutcome, MachineId, NetworkId, RejectReason, VerifiedEnvelope } from '@muster/protocol';
import { StoreError } from '../../ports/index.ts';
import type { Clock, Crypto, Log } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { AgentActivity } from './agent-activity.ts';
import type { Inbox, InboxMessage } from './inbox.ts';
import type { SendPath } from './outbox.ts';
import type { Trace } from './trace.ts';

/** Who brought it: proven, and with a way to answer. */
export interface Bearer {
  readonly agent: AgentId;
  readonly machine: MachineId;
  readonly via: SendPath;
  answer(requestId: Uint8Array, outcome: DirectOutcome): void;
}

export interface ReceptionParts {
  readonly inbox: Inbox;
  readonly activity: AgentActivity;
  readonly contacts: ContactStore;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly self: AgentId;
  readonly network: NetworkId;
  readonly counters: Counters;
  readonly log: Log;
  readonly trace: Trace;
}

/** Refusals that come of the time alone: what was signed may be read, to answer it. */
const UNTIMELY: Readonly<Partial<Record<string, RejectReason>>> = { stale: 'expired', future: 'clock', lifetime: 'clock' };

export class Reception {
  readonly #parts: ReceptionParts;
  readonly #listeners = new Set<(message: InboxMessage) => void>();

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  /** Called for every message once it is committed. */
  onMessage(listener: (message: InboxMessage) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Counts something that is not taken. */
  readonly refused = (reason: string): void => this.#parts.counters.add(`dm_refused_total{reason="${reason}"}`);

  async receive(bytes: Uint8Array, bearer: Bearer): Promise<void> {
    const { clock, contacts, counters, crypto, inbox, log, network, self } = this.#parts;
    counters.add('dm_incoming_envelopes_total');
    let envelope: VerifiedEnvelope;
    try {
      envelope = await openEnvelope(crypto, bytes, { now: clock.now(), network, maxBytes: MAX_DIRECT_ENVELOPE_BYTES, kinds: ['direct'] });
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      counters.add(error.code === 'bad_signature' ? 'dm_incoming_signature_failed_total' : 'dm_incoming_decode_failed_total');
      this.refused(error.code);
      log.write('debug', 'direct message refused', { from: bearer.agent, reason: error.code });
      return this.#answerUntimely(bytes, bearer, UNTIMELY[error.code]);
    }
    let body: DirectBody;
    try {
      body = decodeDirectBody(envelope.payload);
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error;
      counters.add('dm_incoming_decode_failed_total');
      this.refused('malformed');
      log.write('debug', 'direct message refused', { from: bearer.agent, reason: error.code });
      const requestId = requestIdIn(envelope.payload);
      if (requestId) bearer.answer(requestId, { kind: 'rejected', reason: 'malformed' });
      return;
    }
    const reject = (reason: RejectReason): void => {
      counters.add('dm_incoming_rejected_total');
      this.refused(reason);
      this.#parts.trace.incoming('refused', bearer.agent, body, { reason, via: bearer.via });
      bearer.answer(body.requestId, { kind: 'rejected', reason });
    };
    // The machine is the bearer's, so the sender must be the bearer: otherwise a pin would be checked against the wrong machine.
    if (envelope.header.to !== self || envelope.sender !== bearer.agent) return reject('not_here');
    // What was committed stays committed, also for a sender that was blocked since.
    if (inbox.holds(body, envelope)) {
      this.#again(body, bearer);
      return bearer.answer(body.requestId, { kind: 'committed' });
    }
    const decision = contacts.evaluate(envelope.sender, bearer.machine);
    if (decision === 'reject_blocked' || decision === 'reject_machine_mismatch') {
      counters.add('dm_incoming_trust_rejected_total');
      return reject(decision === 'reject_blocked' ? 'blocked' : 'machine_mismatch');
    }
    try {
      if (this.commit(body, bearer, { decision, staleAfter: envelope.staleAfter })) bearer.answer(body.requestId, { kind: 'committed' });
      else reject('rejected');
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.write('error', 'cannot store a direct message', { error: error.message });
      reject('storage');
    }
  }

  /** Durable, then told to whoever listens. false: its logical id names another message. Throws `StoreError`. */
  commit(
    body: DirectBody,
    bearer: Pick<Bearer, 'agent' | 'machine' | 'via'>,
    judged: Pick<Parameters<Inbox['take']>[1], 'decision' | 'staleAfter'>,
  ): boolean {
    const { activity, counters, inbox, trace } = this.#parts;
    const { agent, machine, via } = bearer;
    trace.incoming('received', agent, body, { machine, via });
    const arrival = inbox.take(body, { sender: agent, machine, ...judged });
    if (arrival.kind === 'conflict') return false;
    if (arrival.kind === 'again') {
      this.#again(body, bearer);
      return true;
    }
    counters.add('dm_incoming_committed_total');
    activity.received(agent);
    trace.incoming('committed', agent, body, { via });
    for (const listener of this.#listeners) {
      counters.add('dm_delivered_to_listener_total');
      listener(arrival.message);
    }
    return true;
  }

  #again(body: DirectBody, { agent, via }: Pick<Bearer, 'agent' | 'via'>): void {
    this.#parts.counters.add('dm_incoming_duplicate_total');
    this.#parts.trace.incoming('again', agent, body, { via });
  }

  /** Its sender may know of nothing but a time-out otherwise. What it did not sign is not answered. */
  async #answerUntimely(bytes: Uint8Array, bearer: Bearer, reason: RejectReason | undefined): Promise<void> {
    if (!reason) return;
    const { clock, crypto, network, self } = this.#parts;
    const anyTime = { skewMs: Infinity, maxLifetimeMs: Infinity };
    const limits = { now: clock.now(), network, maxBytes: MAX_DIRECT_ENVELOPE_BYTES, kinds: ['direct'], ...anyTime };
    const envelope = await openEnvelope(crypto, bytes, limits).catch(() => undefined);
    if (envelope?.header.to !== self || envelope.sender !== bearer.agent) return;
    const requestId = requestIdIn(envelope.payload);
    if (requestId) bearer.answer(requestId, { kind: 'rejected', reason });
  }
}

/** Of a body that may be unreadable otherwise. */
function requestIdIn(payload: Uint8Array): Uint8Array | undefined {
  try {
    const value = decodeStrict(payload, MAX_DIRECT_BODY_BYTES);
    const id: unknown = Array.isArray(value) ? value[0] : undefined;
    return id instanceof Uint8Array && id.length === REQUEST_ID_BYTES ? id : undefined;
  } catch {
    return undefined;
  }
}
