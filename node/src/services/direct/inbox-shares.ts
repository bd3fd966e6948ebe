/**
 * Who takes up how much of the inbox, and whose oldest messages go when it is full: those of whoever takes up most. Agents that nobody here chose
 * (no contact at least known, or pinned) may hold half of it together, however many they are. So nobody can push out what others sent.
 */
import type { AgentId } from '@muster/protocol';
import type { Store, Write } from '../../ports/index.ts';
import { fromRecord, toRecord } from '../json-record.ts';

const SHARE = 'inbox-share/';
const OF = 'inbox-of/';

interface Share {
  readonly count: number;
  readonly bytes: number;
  /** by the decision on its last message */
  readonly chosen: boolean;
}

export interface Placed {
  readonly sender: AgentId;
  /** as in `InboxMessage` */
  readonly cursor: string;
  /** of the stored record */
  readonly bytes: number;
}

export class InboxShares {
  readonly #store: Store;
  readonly #shares = new Map<AgentId, Share>();
  /** messages in all, and their bytes */
  size = 0;
  bytes = 0;
  #strangers = { count: 0, bytes: 0 };

  /** `all` gives every message there is: asked for when what is known of shares does not fit it, after a change of versions. */
  constructor(store: Store, size: number, all: () => Iterable<Placed>) {
    this.#store = store;
    if (store.count(OF) === size)
      for (const { key, value } of store.range({ prefix: SHARE })) this.#set(key.slice(SHARE.length) as AgentId, fromRecord<Share>(value));
    else this.#rebuild(all());
  }

  /** What to write with a message, and what to call once that is written. */
  add({ sender, cursor, bytes }: Placed, chosen: boolean): { readonly writes: Write[]; readonly done: () => void } {
    const { count, bytes: before } = this.#of(sender);
    const share = { count: count + 1, bytes: before + bytes, chosen };
    return {
      writes: [
        { key: `${OF}${sender}/${cursor}`, value: new Uint8Array() },
        { key: SHARE + sender, value: toRecord(share) },
      ],
      done: () => this.#set(sender, share),
    };
  }

  /** As `add`, for messages that go. */
  remove(sender: AgentId, gone: readonly Placed[]): { readonly writes: Write[]; readonly done: () => void } {
    const { count, bytes, chosen } = this.#of(sender);
    const share = { count: count - gone.length, bytes: bytes - gone.reduce((sum, one) => sum + one.bytes, 0), chosen };
    return {
      writes: [
        ...gone.map(({ cursor }) => ({ key: `${OF}${sender}/${cursor}`, value: null })),
        { key: SHARE + sender, value: share.count > 0 ? toRecord(share) : null },
      ],
      done: () => this.#set(sender, share),
    };
  }

  /** Whose messages go next, when there may be so many and so much of them. */
  heaviest(most: { readonly count: number; readonly bytes: number }): AgentId | undefined {
    const weight = ({ count, bytes }: Pick<Share, 'count' | 'bytes'>): number => Math.max(count / most.count, bytes / most.bytes);
    const crowded = weight(this.#strangers) > 0.5;
    let heaviest: AgentId | undefined;
    let heaviestWeight = 0;
    for (const [sender, share] of this.#shares) {
      if (share.chosen === crowded || weight(share) <= heaviestWeight) continue;
      heaviest = sender;
      heaviestWeight = weight(share);
    }
    return heaviest;
  }

  /** Cursors of the sender's oldest messages. */
  oldestOf(sender: AgentId, most: number): string[] {
    const prefix = `${OF}${sender}/`;
    return this.#store.range({ prefix, limit: most }).map(({ key }) => key.slice(prefix.length));
  }

  #of(sender: AgentId): Share {
    return this.#shares.get(sender) ?? { count: 0, bytes: 0, chosen: false };
  }

  #set(sender: AgentId, share: Share): void {
    const before = this.#of(sender);
    this.size += share.count - before.count;
    this.bytes += share.bytes - before.bytes;
    for (const [one, sign] of [
      [before, -1],
      [share, 1],
    ] as const) {
      if (one.chosen) continue;
      this.#strangers.count += sign * one.count;
      this.#strangers.bytes += sign * one.bytes;
    }
    if (share.count > 0) this.#shares.set(sender, share);
    else this.#shares.delete(sender);
  }

  #rebuild(all: Iterable<Placed>): void {
    const writes = new Map<string, Uint8Array | null>();
    for (const prefix of [OF, SHARE]) for (const { key } of this.#store.range({ prefix })) writes.set(key, null);
    for (const { sender, cursor, bytes } of all) {
      const { count, bytes: before } = this.#of(sender);
      this.#set(sender, { count: count + 1, bytes: before + bytes, chosen: true });
      writes.set(`${OF}${sender}/${cursor}`, new Uint8Array());
    }
    for (const [sender, share] of this.#shares) writes.set(SHARE + sender, toRecord(share));
    this.#store.batch(
      [...writes].map(([key, value]) => ({ key, value })),
      'relaxed',
    );
  }
}
