export type { Crypto, KemKey, SigningKey } from './crypto.ts';
export * from './constants.ts';
export { ProtocolError } from './errors.ts';
export {
  bytesEqual,
  concat,
  fromBase64,
  fromBase64url,
  fromHex,
  TextFormError,
  toBase64,
  toBase64url,
  toHex,
  utf8Bytes,
  utf8Length,
} from './bytes.ts';
export type { TextFormErrorCode } from './bytes.ts';
export * from './ids.ts';
export * from './words.ts';
export { decodeStrict, EncodingError, encodeStrict } from './encoding.ts';
export type { EncodingErrorCode } from './encoding.ts';
export * from './envelope.ts';
export * from './replay.ts';
export * from './frames.ts';
export * from './link-messages.ts';
export type * from './overlay-messages.ts';
export * from './root-chain.ts';
export type * from './presence-messages.ts';
export * from './presence.ts';
export * from './hello.ts';
export * from './user-certificate.ts';
export * from './machine-certificate.ts';
export * from './direct.ts';
export * from './sealed-box.ts';
export * from './letter.ts';
export * from './publish.ts';
export * from './signing.ts';
export * from './addresses.ts';
export * from './batch.ts';
export * from './card.ts';
export { ANNOUNCE_TOPIC, decodeDiscovery, encodeDiscovery, identityTopic, rendezvousShard, rendezvousTopic, shareable } from './discovery.ts';
export type { Announcement, DiscoveryMessage } from './discovery.ts';
export * from './rendezvous-record.ts';
export * from './trust.ts';
