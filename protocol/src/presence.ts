/**
 * Presence as it is gossiped: signed envelopes on `PRESENCE_TOPIC`, of kind `announce`.
 *
 * beacon = [0, machine (32), run, sent, count, interval, [address …], leaving]
 * ask    = [1, agent (32)]: the agent that is named gives a beacon now
 */
import { isPubliclyRoutable } from './addresses.ts';
import {
  ENVELOPE_OVERHEAD_BYTES,
  ID_BYTES,
  MAX_ADDRESS_BYTES,
  MAX_BEACON_ADDRESSES,
  MAX_BEACON_BODY_BYTES,
  MAX_BEACON_INTERVAL_MS,
  MIN_BEACON_INTERVAL_MS,
} from './constants.ts';
import { decodeStrict, EncodingError, encodeStrict, readBytes, readCount, readList, readText, readTuple } from './encoding.ts';
import { idBytes, idOfBytes } from './ids.ts';
import type { AgentId, MachineId } from './ids.ts';
import { once } from './once.ts';

export const PRESENCE_TOPIC = 'x0x.presence.v1';
/** largest beacon in its envelope */
export const MAX_BEACON_ENVELOPE_BYTES = MAX_BEACON_BODY_BYTES + ENVELOPE_OVERHEAD_BYTES;

export interface Beacon {
  readonly kind: 'beacon';
  readonly machine: MachineId;
  /** when the sender's process began, ms by its own clock: tells one run from another */
  readonly run: number;
  /** ms by the sender's own clock; each beacon has a later one */
  readonly sent: number;
  /** beacons of this run so far, this one included */
  readonly count: number;
  /** ms, the longest until the next one: 1,000 to 100,000 */
  readonly interval: number;
  /** up to 8 `host:port`; only what the public internet routes survives reading */
  readonly addresses: readonly string[];
  /** the last one of this run */
  readonly leaving: boolean;
}

export interface PresenceAsk {
  readonly kind: 'ask';
  readonly agent: AgentId;
}

const BEACON = 0;
const ASK = 1;

/** Throws `EncodingError` for what is out of bounds. */
export function encodePresence(said: Beacon | PresenceAsk): Uint8Array {
  const fields =
    said.kind === 'ask'
      ? [ASK, idBytes(said.agent)]
      : [BEACON, idBytes(said.machine), said.run, said.sent, said.count, said.interval, said.addresses, said.leaving];
  const bytes = encodeStrict(fields);
  // Nothing leaves that the other end would refuse.
  decodePresence(bytes);
  return bytes;
}

/** Throws `EncodingError`. */
export const decodePresence = once((bytes: Uint8Array): Beacon | PresenceAsk => {
  const fields = readList(decodeStrict(bytes, MAX_BEACON_BODY_BYTES), 'presence', 8);
  if (fields[0] === ASK) {
    const [, agent] = readTuple(fields, 'ask', 2);
    return { kind: 'ask', agent: idOfBytes<AgentId>(readBytes(agent, 'agent', ID_BYTES)) };
  }
  if (fields[0] !== BEACON) throw new EncodingError('bad_shape', 'presence: a beacon or an ask expected');
  const [, machine, run, sent, count, interval, addresses, leaving] = readTuple(fields, 'beacon', 8);
  if (typeof leaving !== 'boolean') throw new EncodingError('bad_shape', 'leaving: true or false expected');
  const texts = readList(addresses, 'addresses', MAX_BEACON_ADDRESSES).map((text) => readText(text, 'address', 1, MAX_ADDRESS_BYTES));
  return {
    kind: 'beacon',
    machine: idOfBytes<MachineId>(readBytes(machine, 'machine', ID_BYTES)),
    run: readCount(run, 'run'),
    sent: readCount(sent, 'sent'),
    count: readCount(count, 'count'),
    interval: readInterval(interval),
    addresses: texts.filter(isPubliclyRoutable),
    leaving,
  };
});

function readInterval(value: unknown): number {
  const interval = readCount(value, 'interval');
  if (interval >= MIN_BEACON_INTERVAL_MS && interval <= MAX_BEACON_INTERVAL_MS) return interval;
  throw new EncodingError('bad_shape', `interval: ${MIN_BEACON_INTERVAL_MS} to ${MAX_BEACON_INTERVAL_MS} ms expected`);
}
