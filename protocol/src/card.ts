/**
 * An agent's business card: JSON in the shape of the compatible network, plus a signature of the agent's key over
 * "muster-card-v1" NUL ‖ encoding(card without `signature`). A card without a signature is a hint and nothing more.
 */
import { concat, domain, fromBase64, fromBase64url, toBase64, toBase64url, utf8Bytes, utf8Length } from './bytes.ts';
import {
  KEM_PUBLIC_KEY_BYTES,
  MAX_ADDRESS_BYTES,
  MAX_ADDRESSES,
  MAX_CARD_BYTES,
  MAX_DISPLAY_NAME_BYTES,
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
} from './constants.ts';
import type { Crypto, SigningKey } from './crypto.ts';
import { EncodingError, encodeStrict, readBytes, readCount, readList, readMap, readText } from './encoding.ts';
import { ProtocolError } from './errors.ts';
import { IdError, idOfKey, parseAgentId, parseMachineId, parseUserId } from './ids.ts';
import type { AgentId, MachineId, UserId } from './ids.ts';

export type CardErrorCode =
  | 'oversize'
  | 'malformed'
  | 'bad_id' // an id that is not 64 hex characters
  | 'key_mismatch' // the key is not that of the agent id
  | 'bad_signature'
  | 'expired';

export class CardError extends ProtocolError<CardErrorCode> {
  override readonly name = 'CardError';
}

/** How to send direct messages to the agent. */
export interface CardDirect {
  readonly max_protocol_version: number;
  readonly gossip_inbox: boolean;
  readonly kem_algorithm: string;
  readonly max_envelope_bytes: number;
  /** raw ML-KEM-768 key as numbers, 1,184 of them */
  readonly kem_public_key: readonly number[];
}

/** Times in seconds since the epoch. */
export interface AgentCard {
  readonly display_name: string;
  readonly agent_id: AgentId;
  readonly machine_id: MachineId;
  readonly user_id?: UserId;
  /** `ip:port`, publicly routable ones only */
  readonly addresses: readonly string[];
  readonly groups?: readonly { readonly name: string; readonly invite_link: string }[];
  readonly stores?: readonly { readonly name: string; readonly topic: string }[];
  readonly created_at: number;
  readonly dm_capabilities?: CardDirect;
}

export interface SignedCard extends AgentCard {
  readonly expires_at: number;
  /** base64 of the raw key */
  readonly agent_public_key: string;
  /** base64 */
  readonly signature: string;
}

/** `signed: false` is a hint: nobody vouches for any of it. */
export type ReadCard = { readonly signed: true; readonly card: SignedCard } | { readonly signed: false; readonly card: AgentCard };

const DOMAIN = domain('muster-card-v1');
export const CARD_LINK_PREFIX = 'x0x://agent/';

/** Signs a card until `expiresAt` (seconds since the epoch). */
export async function signCard(crypto: Crypto, key: SigningKey, card: AgentCard, expiresAt: number): Promise<SignedCard> {
  const defined = Object.fromEntries(Object.entries(card).filter(([, value]) => value !== undefined)) as unknown as AgentCard;
  const unsigned = { ...defined, expires_at: expiresAt, agent_public_key: toBase64(key.publicKey) };
  return { ...unsigned, signature: toBase64(await crypto.sign(key, cardSignedBytes(unsigned))) };
}

/** The bytes that an agent signs: all of the card, also what this version does not know, except `signature`. */
export function cardSignedBytes(card: object): Uint8Array {
  const { signature: _, ...unsigned } = card as { signature?: unknown };
  return concat(DOMAIN, encodeStrict(unsigned));
}

/** `x0x://agent/` and the card's JSON in base64url. */
export function cardLink(card: AgentCard): string {
  return CARD_LINK_PREFIX + toBase64url(utf8Bytes(JSON.stringify(card)));
}

/** Reads a link, or the base64url alone. `now` in seconds since the epoch. Throws `CardError`. */
export async function readCard(crypto: Crypto, text: string, now: number): Promise<ReadCard> {
  const fields = decodeCard(text);
  const card = checkCard(fields);
  // Half a signed card is a broken one, not a hint: else removing the signature would be enough to change it unseen.
  if (fields['signature'] === undefined && fields['agent_public_key'] === undefined) return { signed: false, card };
  await checkSignature(crypto, fields, card.agent_id, now);
  return { signed: true, card: card as SignedCard };
}

function decodeCard(text: string): Readonly<Record<string, unknown>> {
  const encoded = text.trim().replace(CARD_LINK_PREFIX, '').replace(/=+$/, '');
  const length = utf8Length(encoded);
  if (length > (MAX_CARD_BYTES * 4) / 3 + 1)
    throw new CardError('oversize', `a card of ${length} characters, at most ${MAX_CARD_BYTES} bytes allowed`);
  try {
    const json = new TextDecoder('utf-8', { fatal: true }).decode(fromBase64url(encoded));
    return readMap(JSON.parse(json, wholeCharacters), 'card');
  } catch (error) {
    throw new CardError('malformed', `not a card: ${(error as Error).message}`, { cause: error });
  }
}

/** JSON can say half a character, which is signed as U+FFFD: another text could take its place. */
function wholeCharacters(key: string, value: unknown): unknown {
  if (key.isWellFormed() && (typeof value !== 'string' || value.isWellFormed())) return value;
  throw new EncodingError('malformed', `${key}: half a character`);
}

function checkCard(fields: Readonly<Record<string, unknown>>): AgentCard {
  return asCardError(() => {
    readText(fields['display_name'], 'display_name', 0, MAX_DISPLAY_NAME_BYTES);
    readCount(fields['created_at'], 'created_at');
    for (const address of readList(fields['addresses'], 'addresses', MAX_ADDRESSES)) readText(address, 'addresses', 1, MAX_ADDRESS_BYTES);
    checkNamed(fields['groups'], 'groups', 'invite_link');
    checkNamed(fields['stores'], 'stores', 'topic');
    if (present(fields['dm_capabilities'])) checkDirect(readMap(fields['dm_capabilities'], 'dm_capabilities'));
    const agent_id = parseAgentId(readText(fields['agent_id'], 'agent_id', 0, MAX_CARD_BYTES));
    const machine_id = parseMachineId(readText(fields['machine_id'], 'machine_id', 0, MAX_CARD_BYTES));
    const user_id = present(fields['user_id']) ? parseUserId(readText(fields['user_id'], 'user_id', 0, MAX_CARD_BYTES)) : undefined;
    return { ...fields, agent_id, machine_id, ...(user_id && { user_id }) } as unknown as AgentCard;
  });
}

function asCardError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new CardError(error instanceof IdError ? 'bad_id' : 'malformed', error.message, { cause: error });
  }
}

/** The compatible network writes some absent fields as null. */
function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function checkNamed(value: unknown, name: string, second: string): void {
  if (!present(value)) return;
  for (const item of readList(value, name, MAX_CARD_BYTES)) {
    const map = readMap(item, name);
    readText(map['name'], `${name}.name`, 0, MAX_CARD_BYTES);
    readText(map[second], `${name}.${second}`, 0, MAX_CARD_BYTES);
  }
}

function checkDirect(direct: Readonly<Record<string, unknown>>): void {
  readCount(direct['max_protocol_version'], 'dm_capabilities.max_protocol_version');
  readCount(direct['max_envelope_bytes'], 'dm_capabilities.max_envelope_bytes');
  readText(direct['kem_algorithm'], 'dm_capabilities.kem_algorithm', 0, 64);
  if (typeof direct['gossip_inbox'] !== 'boolean') throw new EncodingError('bad_shape', 'dm_capabilities.gossip_inbox: true or false expected');
  const key = readList(direct['kem_public_key'], 'dm_capabilities.kem_public_key', KEM_PUBLIC_KEY_BYTES);
  if (!key.every((byte) => readCount(byte, 'dm_capabilities.kem_public_key') < 256))
    throw new EncodingError('bad_shape', 'dm_capabilities.kem_public_key: bytes expected');
}

async function checkSignature(crypto: Crypto, fields: Readonly<Record<string, unknown>>, agent: AgentId, now: number): Promise<void> {
  const { key, signature, expires, signed } = signatureFields(fields);
  if (idOfKey<AgentId>(crypto, key) !== agent) throw new CardError('key_mismatch', 'agent_public_key is not the key of agent_id');
  if (expires < now) throw new CardError('expired', `the card expired ${now - expires} s ago`);
  if (!(await crypto.verify(key, signed, signature))) throw new CardError('bad_signature', 'the card is not signed by its agent');
}

function signatureFields(fields: Readonly<Record<string, unknown>>) {
  return asCardError(() => ({
    key: readBytes(fromBase64(readText(fields['agent_public_key'], 'agent_public_key', 1, MAX_CARD_BYTES)), 'agent_public_key', 1, PUBLIC_KEY_BYTES),
    signature: readBytes(fromBase64(readText(fields['signature'], 'signature', 1, MAX_CARD_BYTES)), 'signature', 1, SIGNATURE_BYTES),
    expires: readCount(fields['expires_at'], 'expires_at'),
    signed: cardSignedBytes(fields),
  }));
}
