/** Rendezvous records kept for others: valid ones only, the latest of each agent, a bounded number. Kept across restarts, as far as the disk allows. */
import { inspectRendezvousRecord, ProtocolError } from '@muster/protocol';
import type { AgentId, NetworkId, RendezvousRecord } from '@muster/protocol';
import { StoreError } from '../../ports/index.ts';
import type { Clock, Crypto, Store, Write } from '../../ports/index.ts';

const RECORD = 'rendezvous/';
/** beyond this many, those that were not renewed for longest go */
const MAX_RECORDS = 1_024;

interface Kept {
  readonly bytes: Uint8Array;
  /** ms by the clock of the agent */
  readonly issued: number;
  /** ms since the epoch */
  readonly expires: number;
}

export interface RendezvousRecordsParts {
  readonly store: Store;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly network: NetworkId;
}

export class RendezvousRecords {
  readonly #parts: RendezvousRecordsParts;
  /** the longest not renewed first */
  readonly #kept = new Map<AgentId, Kept>();

  constructor(parts: RendezvousRecordsParts) {
    this.#parts = parts;
    const { store, crypto, clock, network } = parts;
    const useless: Write[] = [];
    const found: [AgentId, Kept][] = [];
    for (const { key, value } of store.range({ prefix: RECORD, limit: 2 * MAX_RECORDS })) {
      try {
        // Verified before it was stored.
        const { agent, issued, expires } = inspectRendezvousRecord(crypto, value, { now: clock.now(), network });
        found.push([agent, { bytes: value, issued, expires }]);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        useless.push({ key, value: null });
      }
    }
    for (const [agent, kept] of found.toSorted(([, a], [, b]) => a.issued - b.issued)) this.#kept.set(agent, kept);
    this.#write(useless);
  }

  get size(): number {
    return this.#kept.size;
  }

  /** ms by the clock of the agent, of its latest record here */
  issued(agent: AgentId): number | undefined {
    return this.get(agent) && this.#kept.get(agent)!.issued;
  }

  /** The record as it came, while it is valid. */
  get(agent: AgentId): Uint8Array | undefined {
    const kept = this.#kept.get(agent);
    if (!kept) return undefined;
    if (this.#parts.clock.now() < kept.expires) return kept.bytes;
    this.#kept.delete(agent);
    this.#write([{ key: RECORD + agent, value: null }]);
    return undefined;
  }

  /** Keeps a verified record, unless a later one of the agent is there. */
  keep({ agent, issued, expires }: RendezvousRecord, bytes: Uint8Array): void {
    if ((this.issued(agent) ?? -1) >= issued) return;
    this.#kept.delete(agent);
    this.#kept.set(agent, { bytes, issued, expires });
    const writes: Write[] = [{ key: RECORD + agent, value: bytes }];
    while (this.#kept.size > MAX_RECORDS) {
      const oldest = this.#kept.keys().next().value!;
      this.#kept.delete(oldest);
      writes.push({ key: RECORD + oldest, value: null });
    }
    this.#write(writes);
  }

  #write(writes: readonly Write[]): void {
    if (writes.length === 0) return;
    try {
      this.#parts.store.batch(writes, 'relaxed');
    } catch (error) {
      // A full disk costs that they are forgotten at the next start.
      if (!(error instanceof StoreError)) throw error;
    }
  }
}
