/** What agents say of themselves to the network, and what this node remembers of it. */
import {
  decodeStrict,
  decodeUserCertificate,
  encodeStrict,
  encodeUserCertificate,
  idBytes,
  idOfBytes,
  ID_BYTES,
  isPubliclyRoutable,
  KEM_PUBLIC_KEY_BYTES,
  MAX_ADDRESS_BYTES,
  ProtocolError,
  verifyUserCertificate,
} from '@muster/protocol';
import type { MachineId } from '@muster/protocol';
import type { Crypto, Log } from '../../ports/index.ts';
import type { ContactStore } from '../contacts/contact-store.ts';
import type { Counters } from '../counters.ts';
import type { PubSub, TopicMessage } from '../messaging/pubsub.ts';
import type { KnownPeers } from '../peers/known-peers.ts';
import type { LocalIdentity } from './local-identity.ts';

export const ANNOUNCE_TOPIC = 'x0x.identity.announce.v2';
const MAX_ANNOUNCEMENT_BYTES = 16 * 1024;
const MAX_ANNOUNCED_ADDRESSES = 8;

export interface AnnouncementParts {
  readonly identity: LocalIdentity;
  readonly pubsub: PubSub;
  readonly contacts: ContactStore;
  readonly peers: KnownPeers;
  readonly crypto: Crypto;
  readonly counters: Counters;
  readonly log: Log;
  readonly addresses: () => readonly string[];
}

/** Announces this agent and listens to others. */
export class Announcements implements Disposable {
  readonly #parts: AnnouncementParts;
  readonly #subscription: Disposable;

  constructor(parts: AnnouncementParts) {
    this.#parts = parts;
    this.#subscription = parts.pubsub.subscribe(ANNOUNCE_TOPIC, (message) => void this.#heard(message));
  }

  /** The user's certificate goes along only when asked for. */
  async announce(includeUser: boolean): Promise<void> {
    const { identity, pubsub, addresses } = this.#parts;
    const body = encodeStrict({
      addresses: addresses().filter(isPubliclyRoutable).slice(0, MAX_ANNOUNCED_ADDRESSES),
      certificate: includeUser && identity.user ? encodeUserCertificate(identity.user.certificate) : null,
      kem: identity.kemKey.publicKey,
      machine: idBytes(identity.machineId),
    });
    await pubsub.publish(ANNOUNCE_TOPIC, body, 'announce');
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  async #heard({ payload, sender, senderKey }: TopicMessage): Promise<void> {
    const { identity, contacts, peers, crypto, counters, log } = this.#parts;
    if (sender === identity.agentId) return;
    try {
      const said = readAnnouncement(payload);
      if (!said || contacts.rejects(sender, said.machine)) return counters.add('announcements_refused_total');
      const { machine, kemKey, addresses, certificate } = said;
      const user = certificate && (await verifyUserCertificate(crypto, decodeUserCertificate(certificate), senderKey));
      peers.learn(sender, machine, { addresses, kemKey, agentKey: senderKey, announced: true, ...(user && { user }) });
      contacts.heardOf(sender, machine);
      counters.add('announcements_accepted_total');
    } catch (error) {
      counters.add('announcements_refused_total');
      if (!(error instanceof ProtocolError)) log.write('warn', 'announcement not kept', { sender, error: String(error) });
    }
  }
}

/** undefined: not the form of an announcement. Addresses that make no sense outside the sender's own network are left out. */
function readAnnouncement(payload: Uint8Array) {
  const said = decodeStrict(payload, MAX_ANNOUNCEMENT_BYTES);
  if (typeof said !== 'object' || said === null) return undefined;
  const { machine, kem, addresses, certificate } = said as Readonly<Record<string, unknown>>;
  if (!(machine instanceof Uint8Array) || machine.length !== ID_BYTES) return undefined;
  if (!(kem instanceof Uint8Array) || kem.length !== KEM_PUBLIC_KEY_BYTES) return undefined;
  if (!(certificate instanceof Uint8Array) && certificate !== null) return undefined;
  if (!Array.isArray(addresses)) return undefined;
  const sensible = addresses.filter(
    (address): address is string => typeof address === 'string' && address.length <= MAX_ADDRESS_BYTES && isPubliclyRoutable(address),
  );
  return {
    machine: idOfBytes<MachineId>(machine),
    kemKey: kem,
    addresses: sensible.slice(0, MAX_ANNOUNCED_ADDRESSES),
    certificate: certificate ?? undefined,
  };
}
