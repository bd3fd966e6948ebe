/**
 * What travels on an agent's inbox topic when there is no link to it: a direct message's envelope, or the word on one. Always in a sealed box.
 *
 * message = ["message", direct envelope, sender's KEM key, sender's machine key, machine's signature]
 * ack     = ["ack", request id (16), outcome]
 *
 * The machine signs "muster-letter-v1" NUL ‖ SHA-256(envelope): no link vouches for it here, and pins are about machines.
 */
import { concat, domain, toHex } from './bytes.ts';
import {
  KEM_PUBLIC_KEY_BYTES,
  MAX_LETTER_BYTES,
  MAX_SEALED_DIRECT_ENVELOPE_BYTES,
  PUBLIC_KEY_BYTES,
  REQUEST_ID_BYTES,
  SIGNATURE_BYTES,
} from './constants.ts';
import type { Crypto, SigningKey } from './crypto.ts';
import { decodeStrict, EncodingError, encodeStrict, readBytes, readTuple } from './encoding.ts';
import { idBytes, idOfKey } from './ids.ts';
import type { AgentId, MachineId } from './ids.ts';
import { outcomeCode, readOutcome } from './link-messages.ts';
import type { DirectOutcome } from './link-messages.ts';

export type Letter =
  | {
      readonly kind: 'message';
      /** to be opened like one that came over a link */
      readonly envelope: Uint8Array;
      /** where the answer is sealed to: raw ML-KEM-768 key */
      readonly kemKey: Uint8Array;
      readonly machineKey: Uint8Array;
      readonly machineSignature: Uint8Array;
    }
  | { readonly kind: 'ack'; readonly requestId: Uint8Array; readonly outcome: DirectOutcome };

const DOMAIN = domain('muster-letter-v1');
const TOPIC = 'muster.inbox.v1.';

/** The topic that only this agent's nodes listen to. Anyone who knows the agent can tell it: it hides nothing, the box does. */
export function inboxTopic(crypto: Crypto, agent: AgentId): string {
  return TOPIC + toHex(crypto.sha256(DOMAIN, idBytes(agent)));
}

/** Throws `EncodingError` for a field out of its bounds. */
export function encodeLetter(letter: Letter): Uint8Array {
  if (letter.kind === 'ack') return encodeStrict(['ack', readBytes(letter.requestId, 'request_id', REQUEST_ID_BYTES), outcomeCode(letter.outcome)]);
  const { envelope, kemKey, machineKey, machineSignature } = letter;
  return encodeStrict(['message', readBytes(envelope, 'envelope', 1, MAX_SEALED_DIRECT_ENVELOPE_BYTES), kemKey, machineKey, machineSignature]);
}

/** Throws `EncodingError`. */
export function decodeLetter(bytes: Uint8Array): Letter {
  const value = decodeStrict(bytes, MAX_LETTER_BYTES);
  const kind: unknown = Array.isArray(value) ? value[0] : undefined;
  if (kind === 'ack') {
    const [, requestId, outcome] = readTuple(value, 'letter', 3);
    return { kind, requestId: readBytes(requestId, 'request_id', REQUEST_ID_BYTES), outcome: readOutcome(outcome) };
  }
  if (kind !== 'message') throw new EncodingError('bad_shape', 'letter: a message or an ack expected');
  const [, envelope, kemKey, machineKey, signature] = readTuple(value, 'letter', 5);
  return {
    kind,
    envelope: readBytes(envelope, 'envelope', 1, MAX_SEALED_DIRECT_ENVELOPE_BYTES),
    kemKey: readBytes(kemKey, 'kem key', KEM_PUBLIC_KEY_BYTES),
    machineKey: readBytes(machineKey, 'machine key', 1, PUBLIC_KEY_BYTES),
    machineSignature: readBytes(signature, 'machine signature', 1, SIGNATURE_BYTES),
  };
}

/** Says, with its key, that the machine sends this envelope. */
export function signLetter(crypto: Crypto, machine: SigningKey, envelope: Uint8Array): Promise<Uint8Array> {
  return crypto.sign(machine, concat(DOMAIN, crypto.sha256(envelope)));
}

/** The machine that sent it; undefined when none has signed for that. */
export async function letterMachine(crypto: Crypto, letter: Extract<Letter, { kind: 'message' }>): Promise<MachineId | undefined> {
  const { machineKey, machineSignature, envelope } = letter;
  const signed = await crypto.verify(machineKey, concat(DOMAIN, crypto.sha256(envelope)), machineSignature);
  return signed ? idOfKey<MachineId>(crypto, machineKey) : undefined;
}
