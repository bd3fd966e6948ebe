/** Direct messages on their way: stored before they are sent, kept until the recipient decided or they expired. */
import { toHex, utf8Bytes } from '@muster/protocol';
import type { AgentId } from '@muster/protocol';
import { StoreError } from '../../ports/index.ts';
import type { Clock, Crypto, Log, Store, Write } from '../../ports/index.ts';
import { fromRecord, toRecord } from '../json-record.ts';

const PENDING = 'outbox/';
const LOGICAL = 'outbox-logical/';
/** how long a logical id still names the message that was sent with it */
const LOGICAL_FOR_MS = 24 * 3_600_000;
const PRUNE_EVERY = 1_000;

/** as the API names them */
export type DirectPath = 'raw_quic_acked' | 'gossip_inbox';
export type SendPath = DirectPath | 'loopback';

export interface PendingMessage {
  readonly requestId: string;
  readonly to: AgentId;
  /** base64 of the sealed envelope: a retry is byte for byte the same */
  readonly envelope: string;
  /** of the payload, as traces show it */
  readonly digest: string;
  /** of the payload */
  readonly bytes: number;
  /** Unix ms */
  readonly expires: number;
  /** the caller's own id, with the digest of what it was used for */
  readonly logical: { readonly id: string; readonly digest: string } | undefined;
}

export interface LogicalRecord {
  readonly requestId: string;
  readonly digest: string;
  readonly committed: boolean;
  /** how the recipient's word came; absent before that */
  readonly path?: SendPath;
  /** Unix ms */
  readonly at: number;
}

export class Outbox {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #crypto: Crypto;
  readonly #log: Log;
  #added = 0;

  constructor(store: Store, clock: Clock, crypto: Crypto, log: Log) {
    this.#log = log;
    this.#store = store;
    this.#clock = clock;
    this.#crypto = crypto;
    this.#prune();
  }

  logical(to: AgentId, logicalId: string): LogicalRecord | undefined {
    const record = this.#store.get(this.#logicalKey(to, logicalId));
    return record && fromRecord<LogicalRecord>(record);
  }

  /** Durable when it returns. Throws `StoreError`. */
  add(message: PendingMessage): void {
    this.#store.batch([{ key: PENDING + message.requestId, value: toRecord(message) }, ...this.#logicalWrites(message, undefined)], 'durable');
    if (++this.#added % PRUNE_EVERY === 0) this.#prune();
  }

  /** The recipient has it. Losing this write costs a duplicate that the recipient recognises. */
  committed(message: Pick<PendingMessage, 'requestId' | 'to' | 'logical'>, path: SendPath): void {
    this.#settle([{ key: PENDING + message.requestId, value: null }, ...this.#logicalWrites(message, path)]);
  }

  /** It will not be delivered, and its logical id is free again. */
  abandon(message: PendingMessage): void {
    const { requestId, to, logical } = message;
    this.#settle([{ key: PENDING + requestId, value: null }, ...(logical ? [{ key: this.#logicalKey(to, logical.id), value: null }] : [])]);
  }

  get(requestId: string): PendingMessage | undefined {
    const record = this.#store.get(PENDING + requestId);
    return record && fromRecord<PendingMessage>(record);
  }

  pending(): PendingMessage[] {
    return this.#store.range({ prefix: PENDING }).map(({ value }) => fromRecord<PendingMessage>(value));
  }

  /** The message's fate is the recipient's: a disk that does not take the note of it must not change what the caller is told. */
  #settle(writes: readonly Write[]): void {
    try {
      this.#store.batch(writes, 'relaxed');
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#log.write('warn', 'the outbox cannot be tidied; what is left in it expires', { error: error.message });
    }
  }

  #logicalWrites({ requestId, to, logical }: Pick<PendingMessage, 'requestId' | 'to' | 'logical'>, path: SendPath | undefined): Write[] {
    if (!logical) return [];
    const at = this.#clock.now();
    const record: LogicalRecord = { requestId, digest: logical.digest, committed: path !== undefined, ...(path && { path }), at };
    return [{ key: this.#logicalKey(to, logical.id), value: toRecord(record) }];
  }

  #logicalKey(to: AgentId, logicalId: string): string {
    return `${LOGICAL}${to}/${toHex(this.#crypto.sha256(utf8Bytes(logicalId)))}`;
  }

  #prune(): void {
    const now = this.#clock.now();
    const expired = this.pending()
      .filter((message) => message.expires < now)
      .map(({ requestId }) => PENDING + requestId);
    const forgotten = this.#store
      .range({ prefix: LOGICAL })
      .filter(({ value }) => fromRecord<LogicalRecord>(value).at + LOGICAL_FOR_MS < now)
      .map(({ key }) => key);
    const keys = [...expired, ...forgotten];
    if (keys.length > 0) this.#settle(keys.map((key) => ({ key, value: null })));
  }
}
