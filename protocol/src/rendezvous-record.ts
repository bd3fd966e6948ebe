/**
 * Where an agent may be met, in its own words and for a time: what keepers give to whoever asks while the agent cannot answer itself.
 *
 * body   = [1, network id (32), agent key, machine (32), KEM key, [address …], issued ms, expires ms]
 * signed = "muster-rendezvous-v1" NUL ‖ encoding(body)
 * wire   = encoding([body, signature])
 */
import { concat, domain } from './bytes.ts';
import {
  CLOCK_SKEW_MS,
  ID_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  MAX_RENDEZVOUS_RECORD_BYTES,
  MAX_RENDEZVOUS_VALIDITY_MS,
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
} from './constants.ts';
import type { Crypto, SigningKey } from './crypto.ts';
import { readAddresses, shareable } from './discovery.ts';
import { decodeStrict, encodeStrict, readBytes, readCount, readTuple, translated } from './encoding.ts';
import { ProtocolError } from './errors.ts';
import { idBytes, idOfBytes, idOfKey } from './ids.ts';
import type { AgentId, MachineId, NetworkId } from './ids.ts';
import { once } from './once.ts';

export type RendezvousErrorCode =
  | 'malformed'
  | 'version'
  | 'wrong_network'
  | 'expired'
  | 'future' // issued later than now, by more than the allowed skew
  | 'validity' // longer than allowed, or expires before it was issued
  | 'bad_signature';

export class RendezvousError extends ProtocolError<RendezvousErrorCode> {
  override readonly name = 'RendezvousError';
}

export interface RendezvousFields {
  readonly network: NetworkId;
  readonly machine: MachineId;
  /** raw ML-KEM-768 key */
  readonly kemKey: Uint8Array;
  /** up to 8 `host:port`, publicly routable ones only */
  readonly addresses: readonly string[];
  /** ms since the epoch */
  readonly issued: number;
  /** ms since the epoch; at most a day after `issued` */
  readonly expires: number;
}

export interface RendezvousRecord extends RendezvousFields {
  readonly agent: AgentId;
  readonly agentKey: Uint8Array;
}

const VERSION = 1;
const DOMAIN = domain('muster-rendezvous-v1');

/** Gives the record as it travels. */
export async function signRendezvousRecord(crypto: Crypto, key: SigningKey, fields: RendezvousFields): Promise<Uint8Array> {
  const { network, machine, kemKey, addresses, issued, expires } = fields;
  const body = [VERSION, idBytes(network), key.publicKey, idBytes(machine), kemKey, shareable(addresses), issued, expires];
  return encodeStrict([body, await crypto.sign(key, signedBytes(body))]);
}

/** All but the signature, the cheap part: form, network, time. Who it says to be of is claimed until `verifyRendezvousRecord`. Throws `RendezvousError`. */
export function inspectRendezvousRecord(crypto: Crypto, bytes: Uint8Array, { now, network }: { now: number; network: NetworkId }): RendezvousRecord {
  const record = recordOf(crypto, decode(bytes));
  const { issued, expires } = record;
  if (record.network !== network) throw new RendezvousError('wrong_network', 'made for another network');
  if (expires <= issued) throw new RendezvousError('validity', 'expires before it was issued');
  if (expires - issued > MAX_RENDEZVOUS_VALIDITY_MS)
    throw new RendezvousError('validity', `valid for ${expires - issued} ms, at most ${MAX_RENDEZVOUS_VALIDITY_MS} allowed`);
  if (now >= expires) throw new RendezvousError('expired', `expired ${now - expires} ms ago`);
  if (issued > now + CLOCK_SKEW_MS) throw new RendezvousError('future', `issued ${issued - now} ms ahead of this clock`);
  return record;
}

/** Everything, and that the agent signed it. Throws `RendezvousError`. */
export async function verifyRendezvousRecord(
  crypto: Crypto,
  bytes: Uint8Array,
  limits: { now: number; network: NetworkId },
): Promise<RendezvousRecord> {
  const record = inspectRendezvousRecord(crypto, bytes, limits);
  const { signed, signature } = decode(bytes);
  if (!(await crypto.verify(record.agentKey, signed, signature))) throw new RendezvousError('bad_signature', 'the record is not signed by its agent');
  return record;
}

function signedBytes(body: readonly unknown[]): Uint8Array {
  return concat(DOMAIN, encodeStrict(body));
}

interface Decoded {
  readonly fields: Omit<RendezvousRecord, 'agent'>;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  record: RendezvousRecord | undefined;
}

function recordOf(crypto: Crypto, decoded: Decoded): RendezvousRecord {
  const { fields } = decoded;
  return (decoded.record ??= { ...fields, agent: idOfKey<AgentId>(crypto, fields.agentKey) });
}

const decode = once((bytes: Uint8Array): Decoded =>
  translated(
    () => {
      const [head, signature] = readTuple(decodeStrict(bytes, MAX_RENDEZVOUS_RECORD_BYTES), 'record', 2);
      // A later version may have other fields, so its number decides before they are looked at.
      const version = readCount(Array.isArray(head) ? head[0] : undefined, 'version');
      if (version !== VERSION) throw new RendezvousError('version', `record version ${version}, only ${VERSION} is known`);
      const body = readTuple(head, 'body', 8);
      const [, network, key, machine, kem, addresses, issued, expires] = body;
      const agentKey = readBytes(key, 'agent key', 1, PUBLIC_KEY_BYTES);
      const fields = {
        network: idOfBytes<NetworkId>(readBytes(network, 'network', ID_BYTES)),
        agentKey,
        machine: idOfBytes<MachineId>(readBytes(machine, 'machine', ID_BYTES)),
        kemKey: readBytes(kem, 'kem', KEM_PUBLIC_KEY_BYTES),
        addresses: readAddresses(addresses),
        issued: readCount(issued, 'issued'),
        expires: readCount(expires, 'expires'),
      };
      return { fields, signed: signedBytes(body), signature: readBytes(signature, 'signature', 1, SIGNATURE_BYTES), record: undefined };
    },
    (error) => new RendezvousError('malformed', error.message, { cause: error }),
  ),
);
