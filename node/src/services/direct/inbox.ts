/** Received direct messages: committed before they are acknowledged, told apart by request id and logical id, pruned by number and size. */
import { payloadDigest, toBase64, toHex, utf8Bytes } from '@muster/protocol';
import type { AgentId, DirectBody, MachineId, TrustDecision } from '@muster/protocol';
import { StoreError } from '../../ports/index.ts';
import type { Clock, Crypto, Log, Store, Write } from '../../ports/index.ts';
import { fromRecord, toRecord } from '../json-record.ts';
import { InboxShares } from './inbox-shares.ts';
import type { Placed } from './inbox-shares.ts';

const MESSAGE = 'inbox/';
const SEEN = 'inbox-seen/';
const LOGICAL = 'inbox-logical/';
const PRUNE_STEP = 500;
/** of one sender at a time, until another takes up more */
const PRUNE_AT_ONCE = 50;
/** of all stored messages; with the limit on their number, whichever is reached first */
const MAX_INBOX_BYTES = 256 * 1024 * 1024;

export interface InboxMessage {
  /** 16 hex characters, ascending */
  readonly cursor: string;
  readonly sender: AgentId;
  readonly machine: MachineId;
  /** base64 */
  readonly payload: string;
  /** Unix ms */
  readonly receivedAt: number;
  readonly decision: TrustDecision;
  /** 32 hex characters */
  readonly requestId: string;
  readonly logicalId: string | null;
}

export type Arrival =
  | { readonly kind: 'new'; readonly message: InboxMessage }
  /** the same message again: acknowledge it, deliver nothing */
  | { readonly kind: 'again' }
  /** a logical id that was used for another payload */
  | { readonly kind: 'conflict' };

interface Origin {
  readonly sender: AgentId;
  readonly machine: MachineId;
  readonly decision: TrustDecision;
  /** Unix ms after which the envelope is refused anyway */
  readonly staleAfter: number;
}

export class Inbox {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #crypto: Crypto;
  readonly #limit: number;
  readonly #log: Log;
  readonly #shares: InboxShares;
  #sequence: bigint;

  constructor(store: Store, clock: Clock, crypto: Crypto, log: Log, limit: number) {
    this.#log = log;
    this.#store = store;
    this.#clock = clock;
    this.#crypto = crypto;
    this.#limit = limit;
    const last = store.range({ prefix: MESSAGE, reverse: true, limit: 1 })[0];
    this.#sequence = last ? BigInt(`0x${last.key.slice(MESSAGE.length)}`) : 0n;
    this.#shares = new InboxShares(store, store.count(MESSAGE), () => store.range({ prefix: MESSAGE }).map(placed));
    this.#tidy(() => this.#forgetStale());
  }

  /** This very request was committed before. */
  holds({ requestId }: DirectBody, origin: Pick<Origin, 'sender' | 'staleAfter'>): boolean {
    return this.#store.get(seenKey(requestId, origin)) !== undefined;
  }

  /** Commits a message that is new; durable when it returns. Throws `StoreError`. */
  take(body: DirectBody, origin: Origin): Arrival {
    if (this.holds(body, origin)) return { kind: 'again' };
    const requestId = toHex(body.requestId);
    const digest = payloadDigest(this.#crypto, body.payload);
    const logicalKey = body.logicalId === undefined ? undefined : `${LOGICAL}${origin.sender}/${this.#hash(body.logicalId)}`;
    const earlier = logicalKey && this.#store.get(logicalKey);
    if (earlier) return { kind: fromRecord<string>(earlier) === digest ? 'again' : 'conflict' };

    const cursor = (this.#sequence + 1n).toString(16).padStart(16, '0');
    const message: InboxMessage = {
      cursor,
      sender: origin.sender,
      machine: origin.machine,
      payload: toBase64(body.payload),
      receivedAt: this.#clock.now(),
      decision: origin.decision,
      requestId,
      logicalId: body.logicalId ?? null,
    };
    const record = toRecord(message);
    const chosen = origin.decision !== 'unknown';
    const share = this.#shares.add({ sender: origin.sender, cursor, bytes: record.length }, chosen);
    const writes: Write[] = [
      { key: MESSAGE + cursor, value: record },
      { key: seenKey(body.requestId, origin), value: new Uint8Array() },
      ...share.writes,
    ];
    if (logicalKey) writes.push({ key: logicalKey, value: toRecord(digest) });
    this.#store.batch(writes, 'durable');
    this.#sequence++;
    share.done();
    if (this.#shares.size > this.#limit + PRUNE_STEP || this.#shares.bytes > MAX_INBOX_BYTES) this.#tidy(() => this.#prune());
    if (this.#sequence % 1_000n === 0n) this.#tidy(() => this.#forgetStale());
    return { kind: 'new', message };
  }

  /** Oldest first, after the cursor. */
  read(after: string | undefined, limit: number): InboxMessage[] {
    const range = { prefix: MESSAGE, limit, ...(after !== undefined && { after: MESSAGE + after }) };
    return this.#store.range(range).map(({ value }) => fromRecord<InboxMessage>(value));
  }

  /** The message is committed: what goes wrong afterwards is no reason to refuse it, and is tried again with a later one. */
  #tidy(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#log.write('warn', 'the inbox cannot be tidied', { error: error.message });
    }
  }

  /** The oldest messages of whoever takes up most go, and with them the memory of their logical ids. */
  #prune(): void {
    const most = { count: this.#limit, bytes: MAX_INBOX_BYTES * 0.9 };
    for (;;) {
      const surplus = this.#shares.size - most.count;
      if (surplus <= 0 && this.#shares.bytes <= most.bytes) return;
      const sender = this.#shares.heaviest(most);
      if (sender === undefined) return;
      const writes: Write[] = [];
      const gone: Placed[] = [];
      for (const cursor of this.#shares.oldestOf(sender, surplus > 0 ? Math.min(surplus, PRUNE_AT_ONCE) : 1)) {
        const key = MESSAGE + cursor;
        const value = this.#store.get(key);
        gone.push({ sender, cursor, bytes: value?.length ?? 0 });
        if (!value) continue;
        const { logicalId } = fromRecord<InboxMessage>(value);
        writes.push({ key, value: null });
        if (logicalId !== null) writes.push({ key: `${LOGICAL}${sender}/${this.#hash(logicalId)}`, value: null });
      }
      if (gone.length === 0) return;
      const share = this.#shares.remove(sender, gone);
      this.#store.batch([...writes, ...share.writes], 'relaxed');
      share.done();
    }
  }

  /** Request ids are kept as long as their envelope could come again. */
  #forgetStale(): void {
    const now = this.#clock.now();
    for (;;) {
      const rows = this.#store.range({ prefix: SEEN, limit: PRUNE_STEP });
      const stale = rows.filter(({ key }) => Number(key.slice(SEEN.length, SEEN.length + 15)) < now);
      if (stale.length > 0)
        this.#store.batch(
          stale.map(({ key }) => ({ key, value: null })),
          'relaxed',
        );
      if (stale.length < PRUNE_STEP) return;
    }
  }

  #hash(logicalId: string): string {
    return toHex(this.#crypto.sha256(utf8Bytes(logicalId)));
  }
}

function placed({ value }: { readonly value: Uint8Array }): Placed {
  const { sender, cursor } = fromRecord<InboxMessage>(value);
  return { sender, cursor, bytes: value.length };
}

function seenKey(requestId: Uint8Array, { sender, staleAfter }: Pick<Origin, 'sender' | 'staleAfter'>): string {
  return `${SEEN}${String(staleAfter).padStart(15, '0')}/${sender}/${toHex(requestId)}`;
}
