/** Envelopes as an honest peer seals them, and as a dishonest one would. */
import { type Crypto, DEFAULT_LIFETIME_MS, encodeDirectBody, MAX_FRAME_BODY_BYTES, type NetworkId, REQUEST_ID_BYTES, sealEnvelope, type SigningKey } from '@muster/protocol'; // prettier-ignore

export interface EnvelopeAuthor {
  readonly crypto: Crypto;
  readonly agentKey: SigningKey;
  readonly network: NetworkId;
}

export interface Times {
  /** ms since the epoch */
  readonly issued: number;
  readonly expires?: number;
}

export function publishEnvelope(
  { crypto, agentKey, network }: EnvelopeAuthor,
  topic: string,
  payload: Uint8Array,
  times: Times,
): Promise<Uint8Array> {
  return sealEnvelope(crypto, agentKey, { kind: 'publish', network, to: topic, payload, ...times });
}

/** What a node says of itself to the network: see `encodeDiscovery`. */
export function announceEnvelope(
  { crypto, agentKey, network }: EnvelopeAuthor,
  topic: string,
  payload: Uint8Array,
  times: Times,
): Promise<Uint8Array> {
  return sealEnvelope(crypto, agentKey, { kind: 'announce', network, to: topic, payload, ...times });
}

/** A direct message; `requestId` is 16 random bytes unless given. */
export function directEnvelope(
  { crypto, agentKey, network }: EnvelopeAuthor,
  recipient: string,
  payload: Uint8Array,
  times: Times,
  requestId = crypto.randomBytes(REQUEST_ID_BYTES),
): Promise<Uint8Array> {
  return sealEnvelope(crypto, agentKey, { kind: 'direct', network, to: recipient, payload: encodeDirectBody({ requestId, payload }), ...times });
}

/** The same author, saying that it is somebody else: the name of the victim over a signature of its own. */
export function inTheNameOf(author: EnvelopeAuthor, victim: Uint8Array): EnvelopeAuthor {
  return { ...author, agentKey: { publicKey: victim, seed: author.agentKey.seed } };
}

/** The same envelope with one bit of its signature turned over; still encoded as it must be. */
export function withForgedSignature(envelope: Uint8Array): Uint8Array {
  const forged = envelope.slice();
  forged[forged.length - 1]! ^= 1; // the signature is the last item
  return forged;
}

/** Times of an envelope that expired `ms` ago. */
export function staleTimes(now: number, ms: number): Times {
  return { issued: now - ms - DEFAULT_LIFETIME_MS, expires: now - ms };
}

/** Times of an envelope that will be issued in `ms`. */
export function futureTimes(now: number, ms: number): Times {
  return { issued: now + ms };
}

/** The head of a frame that announces more than a frame may hold. */
export function oversizeFrameHead(): Uint8Array {
  const head = new Uint8Array(6);
  new DataView(head.buffer).setUint32(0, MAX_FRAME_BODY_BYTES + 1);
  return head;
}
