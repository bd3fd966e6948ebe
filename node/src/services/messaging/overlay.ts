/** How published messages travel: the face of `services/overlay/`. */
import type { AgentId, EnvelopeHeader } from '@muster/protocol';

/** kinds of envelopes that are published */
export const GOSSIP_KINDS = ['publish', 'announce', 'inbox'];

/** A message whose signature was checked. */
export interface OverlayMessage {
  /** 64 hex, from the signed bytes */
  readonly id: string;
  readonly header: EnvelopeHeader;
  readonly sender: AgentId;
  readonly payload: Uint8Array;
  /** when it stops being acceptable anywhere, Unix ms */
  readonly staleAfter: number;
  /** the whole envelope as it travels */
  readonly bytes: Uint8Array;
}

export interface OverlayEvents {
  /** Why this verified message is neither delivered nor passed on; undefined when it is. Asked once per message. */
  refuses(message: OverlayMessage): string | undefined;
  /** A new, verified, admitted message; in order per sender and link. */
  accepted(message: OverlayMessage): void;
  /** After a time away: messages of the topic that cannot be had any more, at least so many. */
  missed(topic: string, count: number): void;
}

export interface Overlay extends Disposable {
  /** Somebody on this node listens to the topic, or nobody any more. */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Sends our own message on. Resolves when every linked peer has it queued, or was too slow for it (counted). */
  broadcast(message: OverlayMessage): Promise<void>;
}
