/**
 * Discovery as it is gossiped: signed envelopes of kind `announce`, one topic for what everybody hears and shards for what is asked for.
 *
 * announcement = [0, machine (32), KEM key, [address …], user certificate or null]  on the common topic and the agent's identity shard
 * ask          = [1, agent (32)]                                                    on the identity shard or the rendezvous shard of that agent
 * record       = [2, rendezvous record]                                             on the rendezvous shard of the agent it tells of
 */
import { isPubliclyRoutable } from './addresses.ts';
import {
  ID_BYTES,
  IDENTITY_SHARDS,
  KEM_PUBLIC_KEY_BYTES,
  MAX_ADDRESS_BYTES,
  MAX_ANNOUNCED_ADDRESSES,
  MAX_CERTIFICATE_BYTES,
  MAX_DISCOVERY_BYTES,
  MAX_RENDEZVOUS_RECORD_BYTES,
  RENDEZVOUS_SHARDS,
} from './constants.ts';
import { decodeStrict, EncodingError, encodeStrict, readBytes, readList, readText, readTuple } from './encoding.ts';
import { idBytes, idOfBytes } from './ids.ts';
import type { AgentId, MachineId } from './ids.ts';
import { once } from './once.ts';

export const ANNOUNCE_TOPIC = 'x0x.identity.announce.v2';

/** What an agent says of itself. */
export interface Announcement {
  readonly kind: 'announcement';
  readonly machine: MachineId;
  /** raw ML-KEM-768 key */
  readonly kemKey: Uint8Array;
  /** up to 8 `host:port`; only what the public internet routes survives encoding and decoding */
  readonly addresses: readonly string[];
  /** an encoded user certificate, when its user agreed to be named; nobody has checked it */
  readonly certificate: Uint8Array | null;
}

export type DiscoveryMessage =
  | Announcement
  /** Where is this agent? */
  | { readonly kind: 'ask'; readonly agent: AgentId }
  /** an encoded rendezvous record; nobody has checked it */
  | { readonly kind: 'record'; readonly record: Uint8Array };

const KINDS = ['announcement', 'ask', 'record'] as const;

/** Where the agent itself can be asked for: one of 65,536 topics. */
export function identityTopic(agent: AgentId): string {
  return `x0x.identity.shard.v2.${shardOf(agent, IDENTITY_SHARDS)}`;
}

/** 0 to 15: which keepers hold the agent's rendezvous record. */
export function rendezvousShard(agent: AgentId): number {
  return shardOf(agent, RENDEZVOUS_SHARDS);
}

export function rendezvousTopic(shard: number): string {
  return `x0x.rendezvous.shard.${shard}`;
}

/** An id is a hash already: its first 32 bits spread evenly. */
function shardOf(agent: AgentId, shards: number): number {
  return Number.parseInt(agent.slice(0, 8), 16) % shards;
}

/** Throws `EncodingError` for what is out of bounds. */
export function encodeDiscovery(message: DiscoveryMessage): Uint8Array {
  const bytes = encodeStrict([KINDS.indexOf(message.kind), ...fieldsOf(message)]);
  // Nothing leaves that the other end would refuse.
  decodeDiscovery(bytes);
  return bytes;
}

function fieldsOf(message: DiscoveryMessage): unknown[] {
  switch (message.kind) {
    case 'announcement':
      return [idBytes(message.machine), message.kemKey, shareable(message.addresses), message.certificate];
    case 'ask':
      return [idBytes(message.agent)];
    case 'record':
      return [message.record];
  }
}

/** Throws `EncodingError`. */
export const decodeDiscovery = once((bytes: Uint8Array): DiscoveryMessage => {
  const fields = readList(decodeStrict(bytes, MAX_DISCOVERY_BYTES), 'discovery', 5);
  const kind = typeof fields[0] === 'number' ? KINDS[fields[0]] : undefined;
  switch (kind) {
    case 'announcement': {
      const [, machine, kem, addresses, certificate] = readTuple(fields, 'announcement', 5);
      return {
        kind,
        machine: idOfBytes<MachineId>(readBytes(machine, 'machine', ID_BYTES)),
        kemKey: readBytes(kem, 'kem', KEM_PUBLIC_KEY_BYTES),
        addresses: readAddresses(addresses),
        certificate: certificate === null ? null : readBytes(certificate, 'certificate', 1, MAX_CERTIFICATE_BYTES),
      };
    }
    case 'ask':
      return { kind, agent: idOfBytes<AgentId>(readBytes(readTuple(fields, 'ask', 2)[1], 'agent', ID_BYTES)) };
    case 'record':
      return { kind, record: readBytes(readTuple(fields, 'record', 2)[1], 'record', 1, MAX_RENDEZVOUS_RECORD_BYTES) };
    case undefined:
      throw new EncodingError('bad_shape', 'discovery: an announcement, an ask or a record expected');
  }
});

/** What may be told to strangers: addresses of this host and its networks mean nothing to them, and are none of their business. */
export function shareable(addresses: readonly string[]): string[] {
  return addresses.filter(isPubliclyRoutable).slice(0, MAX_ANNOUNCED_ADDRESSES);
}

/** Addresses as a stranger tells them. Throws `EncodingError`. */
export function readAddresses(value: unknown): string[] {
  return shareable(readList(value, 'addresses', MAX_ANNOUNCED_ADDRESSES).map((text) => readText(text, 'address', 1, MAX_ADDRESS_BYTES)));
}
