import { createSocket, type Socket } from 'node:dgram';
import type { Answer, Packet, Question } from 'dns-packet';
import multicastDns from 'multicast-dns';

const PORT = 5353;
const GROUP = '224.0.0.251';

export interface MdnsLinkEvents {
  query(packet: Packet): void;
  /** `from` = IPv4 address of its sender */
  response(packet: Packet, from: string): void;
  /** a malformed packet, or an interface that went away */
  warning(error: Error): void;
}

/** Multicast DNS on one IPv4 interface, and on no other. */
export interface MdnsLink {
  /** resolves when sent, or not: the next one may be */
  respond(answers: Answer[]): Promise<void>;
  query(packet: { questions: Question[]; answers: Answer[] }): Promise<void>;
  close(): Promise<void>;
}

/** Throws when the port or the interface cannot be used. */
export async function openMdnsLink(interfaceAddress: string, events: MdnsLinkEvents): Promise<MdnsLink> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  try {
    await bound(socket);
    // Set here and not by the library: when it fails, nothing may leave by another interface.
    socket.setMulticastInterface(interfaceAddress);
    socket.addMembership(GROUP, interfaceAddress);
    socket.setMulticastTTL(255);
    socket.setMulticastLoopback(true);
  } catch (error) {
    socket.close();
    throw error;
  }
  const mdns = multicastDns({ socket, multicast: false, bind: false });
  mdns.on('error', events.warning);
  mdns.on('warning', events.warning);
  mdns.on('query', events.query);
  mdns.on('response', (packet, { address }) => events.response(packet, address));
  const sent = (resolve: () => void) => (error: Error | null) => {
    if (error) events.warning(error);
    resolve();
  };
  return {
    respond: (answers) => new Promise((resolve) => mdns.respond(answers, sent(resolve))),
    query: (packet) => new Promise((resolve) => mdns.query(packet, sent(resolve))),
    close: () => new Promise((resolve) => mdns.destroy(resolve)),
  };
}

function bound(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(PORT, '0.0.0.0', () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
}
