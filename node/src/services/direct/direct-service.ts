/** Messages to one agent. `send` resolves when the recipient has committed the message, or throws a `CapabilityError` that says which way it failed. */
import { DEFAULT_LIFETIME_MS, encodeDirectBody, MAX_DIRECT_PAYLOAD_BYTES, payloadDigest, sealEnvelope, toBase64, toHex } from '@muster/protocol';
import type { AgentId, DirectBody, NetworkId } from '@muster/protocol';
import { StoreError } from '../../ports/index.ts';
import type { Clock, Crypto, Log, Store } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import type { LinkManager } from '../links/link-manager.ts';
import type { PubSub } from '../messaging/pubsub.ts';
import type { KnownPeers } from '../peers/known-peers.ts';
import { AgentActivity } from './agent-activity.ts';
import { Deliveries } from './deliveries.ts';
import type { SendResult } from './deliveries.ts';
import { failure } from './failures.ts';
import { Inbox } from './inbox.ts';
import type { InboxMessage } from './inbox.ts';
import { InboxTopics } from './inbox-topics.ts';
import { Outbox } from './outbox.ts';
import type { PendingMessage } from './outbox.ts';
import { Reception } from './reception.ts';
import { Routes } from './routes.ts';
import { Trace } from './trace.ts';

export interface DirectParts {
  readonly links: LinkManager;
  readonly pubsub: PubSub;
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
  /** may make links that nobody asked for */
  readonly autoDial: boolean;
}

type Logical = { readonly id: string; readonly digest: string };

export class DirectService implements Disposable {
  readonly inbox: Inbox;
  readonly activity: AgentActivity;
  readonly #parts: DirectParts;
  readonly #outbox: Outbox;
  readonly #trace: Trace;
  readonly #reception: Reception;
  readonly #routes: Routes;
  readonly #topics: InboxTopics;
  readonly #deliveries: Deliveries;
  /** by recipient and logical id */
  readonly #sending = new Map<string, Promise<SendResult>>();

  constructor(parts: DirectParts) {
    const { store, clock, crypto, log, identity } = parts;
    this.#parts = parts;
    this.activity = new AgentActivity(clock);
    this.inbox = new Inbox(store, clock, crypto, log, parts.inboxLimit);
    this.#outbox = new Outbox(store, clock, crypto, log);
    this.#trace = new Trace(log, crypto);
    this.#reception = new Reception({ ...parts, inbox: this.inbox, activity: this.activity, trace: this.#trace, self: identity.agentId });
    this.#topics = new InboxTopics({
      ...parts,
      refused: this.#reception.refused,
      acknowledged: (from, requestId, outcome) => this.#deliveries.acknowledged(from, requestId, outcome, 'gossip_inbox'),
      received: ({ envelope, sender: agent, machine, answer }) =>
        this.#reception.receive(envelope, { agent, machine, via: 'gossip_inbox', answer: (_, outcome) => answer(outcome) }),
    });
    this.#routes = new Routes({ ...parts, topics: this.#topics });
    this.#deliveries = new Deliveries({ ...parts, routes: this.#routes, outbox: this.#outbox, trace: this.#trace });
    parts.links.on({
      up: (link) => this.#deliveries.linkUp(link),
      down: (link) => this.#deliveries.linkDown(link),
      kinds: ['direct', 'direct_ack'],
      message: (link, message) => {
        if (message.kind === 'direct') {
          const { agent, machine } = link;
          return this.#reception.receive(message.envelope, {
            agent,
            machine,
            via: 'raw_quic_acked',
            answer: (requestId, outcome) => void link.send({ kind: 'direct_ack', requestId, outcome }),
          });
        }
        if (message.kind === 'direct_ack') this.#deliveries.acknowledged(link.agent, toHex(message.requestId), message.outcome, 'raw_quic_acked');
      },
    });
  }

  /** Called for every message once it is committed. */
  onMessage(listener: (message: InboxMessage) => void): Disposable {
    return this.#reception.onMessage(listener);
  }

  /** how many are told of every message */
  get listeners(): number {
    return this.#reception.listeners;
  }

  async send(to: AgentId, payload: Uint8Array, logicalId?: string): Promise<SendResult> {
    const { counters, crypto } = this.#parts;
    counters.add('dm_outgoing_send_total');
    try {
      if (payload.length > MAX_DIRECT_PAYLOAD_BYTES) {
        throw failure(413, 'payload_too_large', `payload of ${payload.length} bytes, at most ${MAX_DIRECT_PAYLOAD_BYTES} allowed`);
      }
      const digest = payloadDigest(crypto, payload);
      const result =
        logicalId === undefined ? await this.#sendNew(to, payload, digest) : await this.#sendOnce(to, payload, { id: logicalId, digest });
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

  [Symbol.dispose](): void {
    this.#topics[Symbol.dispose]();
    this.#deliveries[Symbol.dispose]();
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
    if (record?.committed) return Promise.resolve({ path: record.path ?? 'raw_quic_acked', retries: 0, requestId: record.requestId });
    const stored = record && this.#outbox.get(record.requestId);
    const sending = stored ? this.#deliveries.deliver(stored, false) : this.#sendNew(to, payload, logical.digest, logical);
    const settled = sending.finally(() => this.#sending.delete(key));
    this.#sending.set(key, settled);
    return settled;
  }

  async #sendNew(to: AgentId, payload: Uint8Array, digest: string, logical?: Logical): Promise<SendResult> {
    const { clock, crypto, identity, network } = this.#parts;
    const requestId = crypto.randomBytes(16);
    const id = toHex(requestId);
    const body: DirectBody = { requestId, payload, ...(logical && { logicalId: logical.id }) };
    if (to === identity.agentId) return this.#sendToSelf(body, id, logical);
    if (this.#deliveries.full) throw failure(503, 'no_connectivity', 'too many messages are already under way');
    // Whoever cannot be reached at all is said so before anything is signed or stored.
    await this.#routes.to(to, payload.length);
    const issued = clock.now();
    const envelope = await sealEnvelope(crypto, identity.agentKey, { kind: 'direct', network, to, payload: encodeDirectBody(body), issued });
    const message: PendingMessage = {
      requestId: id,
      to,
      envelope: toBase64(envelope),
      digest,
      bytes: payload.length,
      expires: issued + DEFAULT_LIFETIME_MS,
      logical,
    };
    this.#outbox.add(message);
    this.#trace.outgoing('queued', message, { bytes: payload.length });
    return this.#deliveries.deliver(message, true);
  }

  #sendToSelf(body: DirectBody, requestId: string, logical: Logical | undefined): SendResult {
    const { clock, counters, identity } = this.#parts;
    const { agentId: agent, machineId: machine } = identity;
    const judged = { decision: 'accept' as const, staleAfter: clock.now() + DEFAULT_LIFETIME_MS };
    if (!this.#reception.commit(body, { agent, machine, via: 'loopback' }, judged)) {
      throw failure(409, 'idempotency_conflict', 'logical_id was used for another payload');
    }
    if (logical) this.#outbox.committed({ requestId, to: agent, logical }, 'loopback');
    counters.add('dm_outgoing_path_loopback_total');
    return { path: 'loopback', retries: 0, requestId };
  }
}
