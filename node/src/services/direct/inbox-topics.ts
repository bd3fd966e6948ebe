/** Letters over pub/sub: sealed, each on the topic that only its recipient listens to. Own ones come in here, and the word on them goes out. */
import { CapabilityError } from '@muster/contract';
import {
  decodeLetter,
  encodeLetter,
  EncodingError,
  fromBase64,
  fromHex,
  inboxTopic,
  letterMachine,
  MAX_LETTER_BYTES,
  openBox,
  sealBox,
  SealedBoxError,
  signLetter,
  toHex,
} from '@muster/protocol';
import type { AgentId, DirectOutcome, Letter, MachineId, NetworkId } from '@muster/protocol';
import type { Clock, Crypto, Log } from '../../ports/index.ts';
import type { Counters } from '../counters.ts';
import type { LocalIdentity } from '../identity/local-identity.ts';
import type { PubSub, TopicMessage } from '../messaging/pubsub.ts';
import type { KnownPeers } from '../peers/known-peers.ts';
import { remember } from '../remember.ts';
import { failure } from './failures.ts';
import type { PendingMessage } from './outbox.ts';

/** letters being looked at, of all senders and of one; beyond it they are dropped, and their senders try again */
const MAX_HANDLING = 256;
const MAX_HANDLING_OF_SENDER = 32;
/** agents whose acknowledgements are timed */
const MAX_TIMED = 1_024;

/** A message out of its letter, from the agent that sealed it. */
interface Delivered {
  readonly envelope: Uint8Array;
  readonly sender: AgentId;
  /** proven by its own signature */
  readonly machine: MachineId;
  readonly answer: (outcome: DirectOutcome) => void;
}

export interface InboxTopicParts {
  readonly pubsub: PubSub;
  readonly peers: KnownPeers;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly identity: LocalIdentity;
  readonly network: NetworkId;
  readonly counters: Counters;
  readonly log: Log;
  readonly received: (message: Delivered) => Promise<void>;
  readonly acknowledged: (from: AgentId, requestId: string, outcome: DirectOutcome) => void;
  /** counts what is not taken */
  readonly refused: (reason: string) => void;
}

export class InboxTopics implements Disposable {
  readonly #parts: InboxTopicParts;
  readonly #subscription: Disposable;
  readonly #handling = new Map<AgentId, number>();
  #handlingAll = 0;
  /** when a letter left, by request id, and how long acknowledgements of an agent take, in ms */
  readonly #left = new Map<string, number>();
  readonly #roundTrips = new Map<AgentId, number>();

  constructor(parts: InboxTopicParts) {
    this.#parts = parts;
    const topic = inboxTopic(parts.crypto, parts.identity.agentId);
    // Also from whom we block: like over a link, it is told that it is.
    this.#subscription = parts.pubsub.subscribe(topic, (message) => void this.#heard(message), { blockedToo: true });
  }

  /** Smoothed, in ms; undefined before the first acknowledgement. */
  roundTrip(agent: AgentId): number | undefined {
    return this.#roundTrips.get(agent);
  }

  /** Resolves once every linked peer has it queued. Throws the failure that a caller should see. */
  async send(to: AgentId, kemKey: Uint8Array, { envelope, requestId }: PendingMessage): Promise<void> {
    const { crypto, identity, clock } = this.#parts;
    const bytes = fromBase64(envelope);
    const letter: Letter = {
      kind: 'message',
      envelope: bytes,
      kemKey: identity.kemKey.publicKey,
      machineKey: identity.machineKey.publicKey,
      machineSignature: await signLetter(crypto, identity.machineKey, bytes),
    };
    remember(this.#left, requestId, clock.monotonic(), MAX_HANDLING * 16);
    await this.#post(to, kemKey, fromHex(requestId), letter);
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  async #post(to: AgentId, kemKey: Uint8Array, id: Uint8Array, letter: Letter): Promise<void> {
    const { crypto, identity, network, pubsub } = this.#parts;
    let box: Uint8Array;
    try {
      box = sealBox(crypto, kemKey, { network, sender: identity.agentId, recipient: to }, id, encodeLetter(letter));
    } catch (error) {
      if (error instanceof EncodingError) throw failure(400, 'envelope_construction', error.message);
      throw failure(404, 'recipient_key_unavailable', 'nothing can be sealed to the key that is known of this agent');
    }
    try {
      await pubsub.publish(inboxTopic(crypto, to), box, 'inbox');
    } catch (error) {
      if (error instanceof CapabilityError) throw failure(500, 'publish_failed', error.message);
      throw error;
    }
  }

  async #heard({ kind, sender, payload }: TopicMessage): Promise<void> {
    const { refused, log, identity } = this.#parts;
    if (sender === identity.agentId) return;
    if (kind !== 'inbox') return refused('kind');
    const own = this.#handling.get(sender) ?? 0;
    if (this.#handlingAll >= MAX_HANDLING || own >= MAX_HANDLING_OF_SENDER) return refused('overload');
    this.#handlingAll++;
    this.#handling.set(sender, own + 1);
    try {
      await this.#open(sender, payload);
    } catch (error) {
      log.write('error', 'a letter could not be handled', { from: sender, error: String(error) });
    } finally {
      this.#handlingAll--;
      const left = this.#handling.get(sender)! - 1;
      if (left === 0) this.#handling.delete(sender);
      else this.#handling.set(sender, left);
    }
  }

  async #open(sender: AgentId, payload: Uint8Array): Promise<void> {
    const { crypto, identity, network, peers, counters, refused, received, acknowledged } = this.#parts;
    let id: Uint8Array;
    let letter: Letter;
    try {
      const box = openBox(crypto, identity.kemKey, { network, sender, recipient: identity.agentId }, payload, MAX_LETTER_BYTES);
      id = box.id;
      letter = decodeLetter(box.content);
    } catch (error) {
      if (!(error instanceof SealedBoxError || error instanceof EncodingError)) throw error;
      counters.add('dm_incoming_envelopes_total');
      counters.add('dm_incoming_decode_failed_total');
      refused(error.code);
      const known = peers.get(sender)?.kemKey;
      // Sealed to a key that is no longer ours, or changed: its sender need not wait for an answer that cannot come.
      if (error instanceof SealedBoxError && error.boxId && known) {
        this.#answer(sender, fromBase64(known), error.boxId, { kind: 'rejected', reason: 'sealed' });
      }
      return;
    }
    if (letter.kind === 'ack') {
      this.#timed(sender, toHex(letter.requestId));
      return acknowledged(sender, toHex(letter.requestId), letter.outcome);
    }
    const { envelope, kemKey } = letter;
    const answer = (outcome: DirectOutcome): void => this.#answer(sender, kemKey, id, outcome);
    const machine = await letterMachine(crypto, letter);
    if (machine) return received({ envelope, sender, machine, answer });
    counters.add('dm_incoming_envelopes_total');
    counters.add('dm_incoming_signature_failed_total');
    refused('machine_signature');
    answer({ kind: 'rejected', reason: 'malformed' });
  }

  #answer(to: AgentId, kemKey: Uint8Array, requestId: Uint8Array, outcome: DirectOutcome): void {
    this.#post(to, kemKey, requestId, { kind: 'ack', requestId, outcome }).catch((error: unknown) =>
      this.#parts.log.write('debug', 'an acknowledgement could not be sent', { to, error: String(error) }),
    );
  }

  #timed(from: AgentId, requestId: string): void {
    const leftAt = this.#left.get(requestId);
    if (leftAt === undefined) return;
    this.#left.delete(requestId);
    const sample = this.#parts.clock.monotonic() - leftAt;
    const known = this.#roundTrips.get(from);
    remember(this.#roundTrips, from, known === undefined ? sample : known * 0.8 + sample * 0.2, MAX_TIMED);
  }
}
