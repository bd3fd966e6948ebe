/** Real nodes in one process for tests: TCP, TLS, SQLite, ML-DSA. Named so that tests read as sentences. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { idOfKey } from '@muster/protocol';
import type { AgentId, MachineId, NetworkId } from '@muster/protocol';
import type { DiscoverySettings } from '../config.ts';
import { nodeCrypto } from '../engines/crypto.ts';
import { systemClock } from '../engines/clock.ts';
import { systemRandom } from '../engines/random.ts';
import { openSqliteStore } from '../engines/sqlite-store.ts';
import { tcpCarrier } from '../engines/tcp-carrier.ts';
import { tlsTransport } from '../engines/tls-transport.ts';
import { createNode } from '../node.ts';
import type { Node, NodePorts } from '../node.ts';
import { StoreError } from '../ports/index.ts';
import type { Durability, Log, Store } from '../ports/index.ts';
import type { LocalIdentity } from '../services/identity/local-identity.ts';
import type { PresenceSettings } from '../services/presence/presence-service.ts';
import { BUILT_IN_CHARTER } from '../services/status/charter.ts';

export const clock = systemClock();
export const crypto = nodeCrypto();
const quiet: Log = { write: () => {} };

export interface TestNode extends AsyncDisposable {
  readonly node: Node;
  readonly identity: LocalIdentity;
  /** `host:port` that it accepts links on */
  readonly address: string;
  /** what it keeps */
  readonly store: Store;
}

export function freshIdentity(): LocalIdentity {
  const machineKey = crypto.signingKey();
  const agentKey = crypto.signingKey();
  return {
    machineKey,
    machineId: idOfKey<MachineId>(crypto, machineKey.publicKey),
    agentKey,
    agentId: idOfKey<AgentId>(crypto, agentKey.publicKey),
    kemKey: crypto.kemKey(),
    user: undefined,
  };
}

export interface NodeOptions {
  readonly network?: NetworkId;
  readonly bootstrapPeers?: readonly string[];
  readonly identity?: LocalIdentity;
  /** keeps its state there instead of in a directory of its own */
  readonly storeFile?: string;
  readonly wrap?: (ports: NodePorts) => NodePorts;
  /** links to machines that others told of; not unless said so, so that tests know who is linked to whom */
  readonly autoDial?: boolean;
  readonly discovery?: Partial<DiscoverySettings>;
  readonly externalAddresses?: readonly string[];
  readonly log?: Log;
  readonly presence?: PresenceSettings;
}

export const TEST_NETWORK = 'ab'.repeat(32) as NetworkId;

export async function startNode(options: NodeOptions = {}): Promise<TestNode> {
  await using opened = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'muster-node-'));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const identity = options.identity ?? freshIdentity();
  const ports: NodePorts = {
    store: openSqliteStore(options.storeFile ?? join(directory, 'node.sqlite')),
    transport: tlsTransport({ crypto, clock, machineKey: identity.machineKey, carrier: tcpCarrier() }),
    neighbours: [],
    crypto,
    clock,
    random: systemRandom(),
    log: options.log ?? quiet,
  };
  const settings = {
    network: options.network ?? TEST_NETWORK,
    version: '0.0.0',
    displayName: 'test',
    bindAddress: '127.0.0.1:0',
    bootstrapPeers: options.bootstrapPeers ?? [],
    autoDial: options.autoDial ?? false,
    inboxLimit: 1_000,
    discovery: { heartbeatMs: 300_000, ttlMs: 900_000, rendezvousValidityMs: 3_600_000, ...options.discovery },
    presence: options.presence ?? { beaconIntervalMs: 30_000, offlineTimeoutMs: 300_000, eventPollMs: 1_000 },
    externalAddresses: () => options.externalAddresses ?? [],
    charter: BUILT_IN_CHARTER,
    apiAddress: () => '',
    gauges: () => ({}),
    shutdown: () => {},
  };
  const node = opened.use(createNode(settings, options.wrap?.(ports) ?? ports, identity));
  const address = await node.join();
  const owned = opened.move();
  return { node, identity, address, store: ports.store, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A disk that takes nothing of the given durabilities while `full`. Pass `wrap` to `startNode`. */
export function fillingDisk(...refused: readonly Durability[]) {
  const disk = {
    full: false,
    wrap: (ports: NodePorts): NodePorts => {
      const { store } = ports;
      const batch: Store['batch'] = (writes, durability) => {
        if (disk.full && refused.includes(durability)) throw new StoreError('full', 'the disk is full');
        store.batch(writes, durability);
      };
      return {
        ...ports,
        store: {
          get: (key) => store.get(key),
          range: (range) => store.range(range),
          count: (prefix) => store.count(prefix),
          batch,
          close: () => store.close(),
        },
      };
    },
  };
  return disk;
}

/** Resolves once `condition` holds; looks every 5 ms, and throws what it waited for after `ms`: long, unless time is the claim, as machines are busy. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const end = clock.monotonic() + ms;
  while (!(await condition())) {
    if (clock.monotonic() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await clock.sleep(5);
  }
}

/** Both ends have the link. */
export async function linked(a: TestNode, b: TestNode): Promise<void> {
  await eventually(
    'the nodes are linked',
    () => a.node.services.links.toMachine(b.identity.machineId) !== undefined && b.node.services.links.toMachine(a.identity.machineId) !== undefined,
  );
}

export async function twoLinkedNodes(): Promise<[TestNode, TestNode] & AsyncDisposable> {
  const a = await startNode();
  const b = await startNode({ bootstrapPeers: [a.address] });
  await linked(a, b);
  return Object.assign([a, b] as [TestNode, TestNode], {
    [Symbol.asyncDispose]: async () => {
      await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
    },
  });
}

type Three = [TestNode, TestNode, TestNode];

/** One after the other, each with a link to the one before it and to nobody else. */
export async function nodesInLine(length: 2, options?: NodeOptions): Promise<[TestNode, TestNode] & AsyncDisposable>;
export async function nodesInLine(length: 3, options?: NodeOptions): Promise<Three & AsyncDisposable>;
export async function nodesInLine(length: number, options: NodeOptions = {}): Promise<TestNode[] & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const nodes: TestNode[] = [];
  for (let index = 0; index < length; index++) {
    const before = nodes.at(-1);
    const node = opened.use(await startNode({ ...options, bootstrapPeers: before ? [before.address] : [] }));
    if (before) await linked(before, node);
    nodes.push(node);
  }
  const owned = opened.move();
  return Object.assign(nodes, { [Symbol.asyncDispose]: () => owned.disposeAsync() });
}
