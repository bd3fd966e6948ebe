/** `dm.trace`: every stage of a direct message, at both ends under the same digest. Never its content. */
import { payloadDigest, toHex } from '@muster/protocol';
import type { AgentId, Crypto, DirectBody } from '@muster/protocol';
import type { Log } from '../../ports/index.ts';
import type { PendingMessage } from './outbox.ts';

export class Trace {
  readonly #log: Log;
  readonly #crypto: Crypto;
  /** a message is hashed once, not at every stage */
  readonly #digests = new WeakMap<DirectBody, string>();

  constructor(log: Log, crypto: Crypto) {
    this.#log = log;
    this.#crypto = crypto;
  }

  /** `queued`, `sent`, `acknowledged`, `rejected`, `unacknowledged`, `withdrawn` */
  outgoing(stage: string, { to, requestId, digest }: PendingMessage, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#log.write('info', `dm.trace ${stage}`, { to, digest, request: requestId, ...fields });
  }

  /** `received`, `committed`, `again`, `refused` */
  incoming(stage: string, from: AgentId, body: DirectBody, fields: Readonly<Record<string, unknown>>): void {
    const digest = this.#digests.get(body) ?? payloadDigest(this.#crypto, body.payload);
    this.#digests.set(body, digest);
    this.#log.write('info', `dm.trace ${stage}`, { from, digest, request: toHex(body.requestId), ...fields });
  }
}
