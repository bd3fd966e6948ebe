/** Ids are SHA-256 of a raw public key, carried as 64 lower-case hex characters: parsed at the edge, never re-validated inside. */
import { fromHex, TextFormError, toHex } from './bytes.ts';
import { ID_BYTES } from './constants.ts';
import type { Crypto } from './crypto.ts';
import { ProtocolError } from './errors.ts';

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type AgentId = Id<'agent'>;
export type MachineId = Id<'machine'>;
export type UserId = Id<'user'>;
/** not a key's hash: 32 random bytes, or the hash of a network's name */
export type NetworkId = Id<'network'>;
type AnyId = AgentId | MachineId | UserId | NetworkId;

export type IdErrorCode = 'odd_length' | 'bad_character' | 'wrong_length';

/** `bad_character` has `index` and `character`; `wrong_length` has `bytes`, the number that the text decodes to. */
export class IdError extends ProtocolError<IdErrorCode> {
  override readonly name = 'IdError';
  readonly index: number | undefined;
  readonly character: string | undefined;
  readonly bytes: number | undefined;

  constructor(code: IdErrorCode, message: string, detail: { index?: number; character?: string; bytes?: number } = {}) {
    super(code, message);
    this.index = detail.index;
    this.character = detail.character;
    this.bytes = detail.bytes;
  }
}

/** Id of a raw public key; the caller names which one: `idOfKey<MachineId>(crypto, key)`. */
export function idOfKey<T extends AgentId | MachineId | UserId>(crypto: Crypto, rawPublicKey: Uint8Array): T {
  return toHex(crypto.sha256(rawPublicKey)) as T;
}

/** 64 hex characters in either case. Throws `IdError`. */
export function parseId<T extends AnyId>(text: string): T {
  // The usual case first: every request and every stored row comes through here.
  if (/^[0-9a-f]{64}$/.test(text)) return text as T;
  return toHex(parseIdBytes(text)) as T;
}

function parseIdBytes(text: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = fromHex(text);
  } catch (error) {
    const { code, message, index, character } = error as TextFormError;
    throw new IdError(code as IdErrorCode, message, { index, character });
  }
  return idSized(bytes);
}

function idSized(bytes: Uint8Array): Uint8Array {
  if (bytes.length === ID_BYTES) return bytes;
  throw new IdError('wrong_length', `expected ${ID_BYTES} bytes (${ID_BYTES * 2} hex chars), got ${bytes.length}`, { bytes: bytes.length });
}

export const parseAgentId = (text: string): AgentId => parseId<AgentId>(text);
export const parseMachineId = (text: string): MachineId => parseId<MachineId>(text);
export const parseUserId = (text: string): UserId => parseId<UserId>(text);
export const parseNetworkId = (text: string): NetworkId => parseId<NetworkId>(text);

/** The 32 bytes of an id. */
export function idBytes(id: AnyId): Uint8Array {
  return fromHex(id);
}

/** Id of 32 bytes. Throws `IdError` (`wrong_length`). */
export function idOfBytes<T extends AnyId>(bytes: Uint8Array): T {
  return toHex(idSized(bytes)) as T;
}
