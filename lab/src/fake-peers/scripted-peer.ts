/**
 * A peer of the real network that does exactly what it is told, right or wrong: it has the node's own secure channel and
 * the protocol's own codecs, and none of the node's manners.
 */
import {
  type AgentId,
  type Crypto,
  type Hello,
  HELLO_EXPORTER_LABEL,
  type HelloFields,
  idBytes,
  idOfKey,
  type MachineId,
  makeHello,
  type NetworkId,
  readHello,
  type SigningKey,
} from '@muster/protocol';
import type { Channel, Transport, TransportListener } from '@muster/node';
import { type PeerEngines, realEngines } from './peer-engines.ts';
import { PeerLink } from './peer-link.ts';

const DIAL_LIMIT_MS = 10_000;

export interface ScriptedPeerOptions {
  readonly network: NetworkId;
  /** the real network when not given; see `placeOf` */
  readonly engines?: (() => PeerEngines) | undefined;
  /** what its hello says instead of the truth; `network` here lies about the network */
  readonly hello?: Partial<HelloFields>;
  /** false: pings of the other side are never answered */
  readonly answersPings?: boolean;
  readonly agentKey?: SigningKey;
  readonly machineKey?: SigningKey;
}

/** How it behaves on a link that it did not dial. */
export type OnLink = (link: PeerLink) => void;

export class ScriptedPeer implements AsyncDisposable {
  readonly crypto: Crypto;
  readonly network: NetworkId;
  readonly agentKey: SigningKey;
  readonly agentId: AgentId;
  readonly machineId: MachineId;
  readonly #options: ScriptedPeerOptions;
  readonly #engines: PeerEngines;
  readonly #transport: Transport;
  readonly #links = new Set<PeerLink>();
  #listener: TransportListener | undefined;

  constructor(options: ScriptedPeerOptions) {
    this.#engines = options.engines?.() ?? realEngines();
    const { crypto } = this.#engines;
    this.crypto = crypto;
    const machineKey = options.machineKey ?? crypto.signingKey();
    this.#options = options;
    this.network = options.network;
    this.agentKey = options.agentKey ?? crypto.signingKey();
    this.agentId = idOfKey<AgentId>(crypto, this.agentKey.publicKey);
    this.machineId = idOfKey<MachineId>(crypto, machineKey.publicKey);
    this.#transport = this.#engines.transport(machineKey);
  }

  /** A secure channel to `address`, before anything is said on it. @throws TransportError */
  async connect(address: string, machine?: MachineId, signal = this.#engines.clock.timeout(DIAL_LIMIT_MS)): Promise<PeerLink> {
    const channel = await this.#transport.dial(address, machine && idBytes(machine), signal);
    return this.#linkOf(channel);
  }

  /** `connect`, and hello both ways. @throws TransportError, PeerLinkClosed with the other side's goodbye when it refused */
  async dial(address: string, machine?: MachineId): Promise<PeerLink> {
    const link = await this.connect(address, machine);
    await this.greet(link);
    return link;
  }

  /** Says hello on a link and reads the other side's. */
  async greet(link: PeerLink): Promise<Hello> {
    if (link.initiator) link.send({ kind: 'hello', hello: await this.hello(link) });
    const { hello } = await link.next('hello');
    if (!link.initiator) link.send({ kind: 'hello', hello: await this.hello(link) });
    link.hello = await readHello(this.crypto, hello, this.network, this.#session(link));
    // A listener believes in a link only once the dialler has shown that it got its hello.
    if (link.initiator) link.ping();
    return link.hello;
  }

  /** Its hello for this very link, with the lies that it was told to tell. */
  hello(link: PeerLink): Promise<Uint8Array> {
    const truth: HelloFields = {
      network: this.network,
      capabilities: [],
      software: { name: 'scripted-peer', version: '1' },
      addresses: this.#listener ? [this.#listener.address] : [],
      kemKey: this.crypto.kemKey().publicKey,
    };
    return makeHello(this.crypto, this.agentKey, { ...truth, ...this.#options.hello }, this.#session(link));
  }

  /** Accepts channels; `onLink` gets each before anything is said. @returns its `host:port` */
  async listen(onLink: OnLink): Promise<string> {
    this.#listener = await this.#transport.listen(this.#engines.bind, (channel) => onLink(this.#linkOf(channel)));
    return this.#listener.address;
  }

  #session(link: PeerLink) {
    const peerMachine = idOfKey<MachineId>(this.crypto, link.peerKey);
    return { exporter: link.exporter(HELLO_EXPORTER_LABEL), initiator: link.initiator, ownMachine: this.machineId, peerMachine };
  }

  #linkOf(channel: Channel): PeerLink {
    const link = new PeerLink(channel, this.#engines.clock, this.#options.answersPings ?? true);
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
    return link;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) link.close();
    await this.#listener?.[Symbol.asyncDispose]();
  }
}
