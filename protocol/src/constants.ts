/** Sizes and bounds of the protocol. Names carry the unit: `_BYTES`, `_MS`; without one it is a count. */

/** raw ML-DSA-65 public key (FIPS 204) */
export const PUBLIC_KEY_BYTES = 1952;
export const SIGNATURE_BYTES = 3309;
/** raw ML-KEM-768 public key (FIPS 203) */
export const KEM_PUBLIC_KEY_BYTES = 1184;
export const KEM_CIPHERTEXT_BYTES = 1088;
export const ID_BYTES = 32;
export const EXPORTER_BYTES = 32;

export const ENVELOPE_VERSION = 1;
export const NONCE_BYTES = 16;
/** of the tree over messages that are signed together: up to 64 of them */
export const MAX_BATCH_DEPTH = 6;
export const MAX_PLACE_BYTES = 1 + MAX_BATCH_DEPTH * 32;
export const MAX_KIND_BYTES = 32;
/** topic or recipient, in UTF-8 */
export const MAX_TO_BYTES = 256;
/** what an envelope adds to its payload, at most: key 1,952 + signature 3,309 + place 193 + names, times and heads */
export const ENVELOPE_OVERHEAD_BYTES = 6 * 1024;
/** how far two clocks may differ */
export const CLOCK_SKEW_MS = 30_000;
/** longest time from issue to expiry */
export const MAX_LIFETIME_MS = 600_000;
/** what a sender gives an envelope when it has no reason for another lifetime */
export const DEFAULT_LIFETIME_MS = 120_000;

export const MAX_PUBLISH_PAYLOAD_BYTES = 256 * 1024;
export const MAX_PUBLISH_ENVELOPE_BYTES = MAX_PUBLISH_PAYLOAD_BYTES + ENVELOPE_OVERHEAD_BYTES;

export const REQUEST_ID_BYTES = 16;
/** caller's own message id, in UTF-8 */
export const MAX_LOGICAL_ID_BYTES = 128;
export const MAX_DIRECT_PAYLOAD_BYTES = 640 * 1024;
/** payload + request id, logical id and heads */
export const MAX_DIRECT_BODY_BYTES = MAX_DIRECT_PAYLOAD_BYTES + 256;
export const MAX_DIRECT_ENVELOPE_BYTES = MAX_DIRECT_BODY_BYTES + ENVELOPE_OVERHEAD_BYTES;

/** of a direct message that travels sealed on an inbox topic: its envelope, sealed, fits into a published message */
export const MAX_SEALED_DIRECT_PAYLOAD_BYTES = 240 * 1024;
export const MAX_SEALED_DIRECT_ENVELOPE_BYTES = MAX_SEALED_DIRECT_PAYLOAD_BYTES + 256 + ENVELOPE_OVERHEAD_BYTES;
/** envelope, KEM key 1,184, machine key 1,952, signature 3,309 and heads */
export const MAX_LETTER_BYTES = MAX_SEALED_DIRECT_ENVELOPE_BYTES + 7 * 1024;
/** KEM ciphertext, id, tag and heads */
export const SEALED_BOX_OVERHEAD_BYTES = 1_152;

export const MAX_FRAME_BODY_BYTES = 64 * 1024;
/** u32 length, u8 lane, u8 type */
export const FRAME_HEADER_BYTES = 6;
/** u32 message id, u8 flags: begins the body of every bulk frame */
export const FRAGMENT_HEADER_BYTES = 5;
/** largest message that is put together from fragments */
export const MAX_BULK_MESSAGE_BYTES = Math.max(MAX_DIRECT_ENVELOPE_BYTES, MAX_PUBLISH_ENVELOPE_BYTES);
/** unfinished bulk messages per peer */
export const MAX_BULK_MESSAGES = 16;
/** bytes of all unfinished bulk messages of one peer */
export const MAX_REASSEMBLY_BYTES = 4 * 1024 * 1024;

export const PROTOCOL_VERSION_MIN = 1;
export const PROTOCOL_VERSION_MAX = 1;
/** the largest of everything a hello may hold fits */
export const MAX_HELLO_BYTES = 16 * 1024;
export const INSTANCE_BYTES = 16;
export const MAX_CAPABILITIES = 32;
export const MAX_CAPABILITY_BYTES = 32;
export const MAX_SOFTWARE_NAME_BYTES = 64;
export const MAX_ADDRESSES = 16;
export const MAX_ADDRESS_BYTES = 64;

export const PING_NONCE_BYTES = 8;
/** envelope ids in one `have` or `want` */
export const MAX_IDS = 512;
export const MAX_REASON_BYTES = 64;

/** one overlay message between neighbours */
export const MAX_OVERLAY_BYTES = 48 * 1024;
/** topics in one overlay message: each with the longest name, they fit */
export const MAX_TOPIC_ITEMS = 128;
/** messages in one that tells what is gone */
export const MAX_GONE = 512;
/** spanning trees shared by all topics */
export const MAX_TREES = 2;
/** beats of a root under one signature */
export const ROOT_BEATS = 32;
/** distances from a root that are told apart by proof; what is farther proves that it is at least so far */
export const ROOT_STEPS = 16;
export const ROOT_LINK_BYTES = 32;
/** addresses of one machine that neighbours tell one another */
export const MAX_PEER_ADDRESSES = 4;
/** machines in one shuffle */
export const MAX_SHUFFLED = 8;
/** steps of a random walk (ARWL of HyParView) */
export const MAX_WALK = 6;

/** [kind, machine, times, addresses]: the largest of each fits */
export const MAX_BEACON_BODY_BYTES = 1024;
export const MAX_BEACON_ADDRESSES = 8;
export const MIN_BEACON_INTERVAL_MS = 1_000;
export const MAX_BEACON_INTERVAL_MS = 100_000;
/** beacons in one answer of a walk */
export const MAX_PRESENCE_BEACONS = 8;
/** one message about presence between neighbours: 8 beacons in their envelopes fit, and it fits into a frame */
export const MAX_PRESENCE_BYTES = 60 * 1024;
export const WALK_ID_BYTES = 16;
/** steps of a walk from friend to friend */
export const MAX_WALK_TTL = 5;
/** neighbours that a node sends one walk on to */
export const MAX_WALK_FORWARDS = 3;

export const MAX_CARD_BYTES = 64 * 1024;
export const MAX_DISPLAY_NAME_BYTES = 256;

export const MAX_CERTIFICATE_BYTES = 8 * 1024;

export const MAX_SIGN_PAYLOAD_BYTES = 256 * 1024;
export const MAX_SIGN_CONTEXT_BYTES = 255;

/** topics on which agents themselves can be asked for */
export const IDENTITY_SHARDS = 65_536;
/** topics on which rendezvous records are kept and asked for */
export const RENDEZVOUS_SHARDS = 16;
export const MAX_ANNOUNCED_ADDRESSES = 8;
/** keys 1,952 + 1,184, signature 3,309, addresses, ids and times */
export const MAX_RENDEZVOUS_RECORD_BYTES = 8 * 1024;
export const MAX_RENDEZVOUS_VALIDITY_MS = 86_400_000;
/** payload of an envelope of discovery: the largest announcement, with its certificate, fits */
export const MAX_DISCOVERY_BYTES = 16 * 1024;
