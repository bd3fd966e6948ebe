/** A simulated machine: a host, a disk, a clock and keys, and the lives of the node that runs there. */
import { createNode } from '@muster/node';
import type { Crypto, LocalIdentity, Log, LogLevel, MemorySurface, Node, NodePorts, NodeSettings } from '@muster/node';
import { registry } from '@muster/contract';
import { BUILT_IN_CHARTER, memorySurface, readConfig, VERSION } from '@muster/node';
import { idOfKey, issueUserCertificate } from '@muster/protocol';
import type { AgentId, MachineId, NetworkId, UserId } from '@muster/protocol';
import type { Chance } from './chance.ts';
import { type ClockError, EPOCH, simulatedClock } from './engines/clock.ts';
import { Disk, type DiskQuality } from './engines/disk.ts';
import type { Neighbourhood } from './engines/neighbours.ts';
import { type Ports, SimulatedTransport } from './engines/transport.ts';
import type { ValuePool } from './engines/value-pool.ts';
import { Life } from './life.ts';
import type { Host, Network } from './network/network.ts';

const PORT = 5_483;
const TOKEN_BYTES = 32;
const NO_PATHS = { home: '', dataDir: '', identityDir: '', hostDirectory: '' };

/** Builds the node from its ports, as `createNode` does. */
export type Compose = (settings: NodeSettings, ports: NodePorts, identity: LocalIdentity) => Node;

export interface MachineParts {
  readonly name: string;
  readonly index: number;
  readonly networkId: NetworkId;
  readonly network: Network;
  readonly ports: Ports;
  readonly pool: ValuePool;
  readonly chance: Chance;
  readonly crypto: (chance: Chance) => Crypto;
  /** none: the node knows its bootstrap peers only */
  readonly neighbourhood?: Neighbourhood | undefined;
  readonly bootstrapPeers: readonly string[];
  /** of the human whose agent it is */
  readonly userSeed?: Uint8Array;
  /** TOML, as a daemon reads it */
  readonly config?: string;
  readonly clock?: ClockError;
  readonly disk?: DiskQuality;
  readonly compose?: Compose;
  /** gets each line of its log */
  readonly said?: (line: string) => void;
}

interface Running {
  readonly life: Life;
  readonly surface: MemorySurface;
  readonly node: Node;
  readonly transport: SimulatedTransport;
}

export class Machine {
  readonly name: string;
  readonly host: Host;
  readonly disk: Disk;
  readonly clock: ClockError;
  identity: LocalIdentity;
  /** bearer token of its local API */
  readonly token: string;
  /** why it ended, when nobody asked it to */
  died: string | undefined;
  readonly index: number;
  readonly #parts: MachineParts;
  readonly #crypto: Crypto;
  #lives = 0;
  #running: Running | undefined;
  readonly #ended = new Set<() => void>();

  constructor(parts: MachineParts) {
    const { name, index, network, chance, pool } = parts;
    this.#parts = parts;
    this.name = name;
    this.index = index;
    this.host = network.host();
    this.clock = { skew: 0, driftPpm: 0, ...parts.clock };
    const wrote = (writes: number, bytes: number): void => network.trace.note('disk', network.schedule.now, index, writes, bytes);
    this.disk = new Disk({ chance: chance.child('disk'), pool, wrote, ...(parts.disk && { quality: parts.disk }) });
    const keys = chance.child('keys');
    this.#crypto = parts.crypto(chance.child('crypto'));
    this.identity = identityOf(this.#crypto, keys);
    this.token = Buffer.from(keys.bytes(TOKEN_BYTES)).toString('hex');
  }

  get address(): string {
    return `${this.host.ip}:${PORT}`;
  }

  get node(): Node | undefined {
    return this.#running?.node;
  }

  /** its local API */
  get surface(): MemorySurface | undefined {
    return this.#running?.surface;
  }

  get life(): Life | undefined {
    return this.#running?.life;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  /** Called at the end of the life that runs now. */
  onEnd(listener: () => void): Disposable {
    this.#ended.add(listener);
    return { [Symbol.dispose]: () => void this.#ended.delete(listener) };
  }

  /** Begins a life: with the disk and the keys of those before it. Resolves once the node has joined. */
  async start(): Promise<void> {
    if (this.#running) throw new Error(`${this.name} is running already`);
    const { name, index, network, ports, networkId, chance, neighbourhood, compose = createNode } = this.#parts;
    const config = readConfig(this.#parts.config ?? '', `${name}.toml`, NO_PATHS);
    await this.#vouch();
    this.died = undefined;
    this.host.dark = false;
    const life = new Life(network.schedule, index, (error) => this.#fail(life, error));
    const own = chance.child(`life ${++this.#lives}`);
    const transport = new SimulatedTransport({
      network, ports, life, host: this.host, machineKey: this.identity.machineKey.publicKey, crypto: this.#crypto, chance: own.child('transport'),
    }); // prettier-ignore
    const clock = simulatedClock(network.schedule, life, this.clock);
    const settings: NodeSettings = {
      network: networkId,
      version: VERSION,
      displayName: name,
      bindAddress: this.address,
      bootstrapPeers: this.#parts.bootstrapPeers,
      inboxLimit: config.inboxLimit,
      discovery: config.discovery,
      autoDial: config.autoDial,
      presence: config.presence,
      charter: BUILT_IN_CHARTER,
      apiAddress: () => this.address,
      gauges: () => ({}),
      shutdown: () => void clock.after(10, () => void this.stop()),
    };
    const store = this.disk.open((ms) => (life.busyUntil = life.now + ms));
    const log: Log = { write: (level, message, fields) => this.#say(level, message, fields) };
    const nodePorts: NodePorts = {
      store, transport, clock, log, crypto: this.#crypto, random: own.child('random'), neighbours: neighbourhood ? [neighbourhood.neighbours(life)] : [],
    }; // prettier-ignore
    const node = compose(settings, nodePorts, this.identity);
    const surface = memorySurface({
      registry,
      handlers: node.handlers,
      token: () => this.token,
      clock,
      onError: (error, failure) => this.#say('error', 'a request failed inside the node', { ...failure, error: String(error) }),
      sessionId: sessionIds(own.child('sessions')),
    });
    this.#running = { life, node, transport, surface };
    network.trace.note('fault', network.schedule.now, index, 1);
    await node.join();
  }

  /** Ends in good order. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    await running.node[Symbol.asyncDispose]();
    this.#end(running, true);
  }

  /** The process is killed: the kernel closes its connections, the disk keeps what was written. */
  kill(): void {
    if (this.#running) this.#end(this.#running, true);
  }

  /** The machine goes dark: nobody hears of it, and what was not synced is lost from some batch on. @returns batches lost */
  losePower(): number {
    this.host.dark = true;
    if (this.#running) this.#end(this.#running, false);
    return this.disk.losePower();
  }

  pause(): void {
    this.life?.pause();
  }

  resume(): void {
    this.life?.resume();
  }

  /** The human's word for the agent, given at its first start. */
  async #vouch(): Promise<void> {
    const { userSeed, network } = this.#parts;
    if (!userSeed || this.identity.user) return;
    const crypto = this.#crypto;
    const user = crypto.signingKey(userSeed);
    const certificate = await issueUserCertificate(
      crypto,
      user,
      this.identity.agentKey.publicKey,
      Math.floor((EPOCH + network.schedule.now) / 1_000),
    );
    this.identity = { ...this.identity, user: { id: idOfKey<UserId>(crypto, user.publicKey), certificate } };
  }

  #end(running: Running, heard: boolean): void {
    if (this.#running !== running) return;
    const { network, index } = this.#parts;
    this.#running = undefined;
    running.transport.end(heard);
    running.life.end();
    network.trace.note('fault', network.schedule.now, index, 0);
    for (const listener of this.#ended) listener();
  }

  /** What a real process would not survive. */
  #fail(life: Life, error: unknown): void {
    if (this.#running?.life !== life) return;
    this.died = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#say('error', 'ended by an uncaught error', { error: this.died });
    this.kill();
  }

  #say(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (level === 'debug' || !this.#parts.said) return;
    this.#parts.said(`${level.toUpperCase()} ${message} ${JSON.stringify(fields)}`);
  }
}

function identityOf(crypto: Crypto, chance: Chance): LocalIdentity {
  const machineKey = crypto.signingKey(chance.bytes(32));
  const agentKey = crypto.signingKey(chance.bytes(32));
  return {
    machineKey,
    machineId: idOfKey<MachineId>(crypto, machineKey.publicKey),
    agentKey,
    agentId: idOfKey<AgentId>(crypto, agentKey.publicKey),
    kemKey: crypto.kemKey(chance.bytes(64)),
    user: undefined,
  };
}

/** UUIDs (RFC 9562, version 4) of a node's chance. */
function sessionIds(chance: Chance): () => string {
  return () => {
    const bytes = chance.bytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return Buffer.from(bytes)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/u, '$1-$2-$3-$4-');
  };
}
