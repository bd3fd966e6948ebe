/** A node on this machine: engines, files, API. What `musterd` runs; everything it opens it also closes. */
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { registry } from '@muster/contract';
import type { NetworkId } from '@muster/protocol';
import { toHex, utf8Bytes } from '@muster/protocol';
import { splitHostPort } from './config.ts';
import type { Config } from './config.ts';
import {
  hostDirectory,
  loadIdentity,
  lockInstance,
  mdnsNeighbours,
  nodeCrypto,
  openSqliteStore,
  publicAddresses,
  readSecret,
  SecretFileError,
  systemClock,
  systemRandom,
  tcpCarrier,
  tlsTransport,
  writeFileAtomic,
  writeSecretAtomic,
} from './engines/index.ts';
import { makePrivateDirectory } from './engines/private-directory.ts';
import { createNode } from './node.ts';
import type { Node, NodePorts, NodeSettings } from './node.ts';
import type { Clock, Log, Neighbours } from './ports/index.ts';
import type { LocalIdentity } from './services/identity/local-identity.ts';
import { BUILT_IN_CHARTER } from './services/status/charter.ts';
import type { Charter } from './services/status/charter.ts';
import { serveHttp } from './surfaces/http/index.ts';
import type { HttpSurface } from './surfaces/http/index.ts';
import { VERSION } from './version.ts';

const MIN_TOKEN_LENGTH = 32;
const MAX_CHARTER_BYTES = 256 * 1024;
/** for calls in flight when the daemon stops: with goodbyes to peers, all of it takes less than 2 s */
const STOP_MS = 1_000;

export interface DaemonOptions {
  readonly config: Config;
  readonly log: Log;
  /** composes the node from its ports; `createNode` unless somebody builds another one */
  readonly compose?: (settings: NodeSettings, ports: NodePorts, identity: LocalIdentity) => Node;
}

export interface Daemon extends AsyncDisposable {
  /** `host:port` of the API */
  readonly apiAddress: string;
  /** `host:port` of the peer-to-peer listener */
  readonly bindAddress: string;
  readonly identity: LocalIdentity;
  /** resolves once everything is closed, whoever asked for it */
  readonly closed: Promise<void>;
}

/** The daemon cannot start; the message is one line that names the file or address and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Starts a daemon: its API answers when this resolves, and it has joined the network. Throws `StartError`, leaving nothing behind. */
export async function runDaemon({ config, log, compose = createNode }: DaemonOptions): Promise<Daemon> {
  await using opened = new AsyncDisposableStack();
  for (const key of config.unknownKeys) log.write('warn', `unknown configuration key ${key}: it has no effect`);
  const clock = systemClock();
  const crypto = nodeCrypto();
  directory(config.dataDir, 'data_dir');
  opened.use(await startLine(() => lockInstance(config.dataDir)));
  const store = opened.adopt(await startLine(() => openSqliteStore(join(config.dataDir, 'node.sqlite'))), (it) => it.close());
  const identity = await startLine(() => loadIdentity(crypto, config.identityDir, { userKeyPath: config.userKeyPath, now: clock.now() }));
  const token = await startLine(() => apiToken(join(config.dataDir, 'api-token'), () => toHex(crypto.randomBytes(32))));
  const charter = await readCharter(config.charterPath);
  const transport = tlsTransport({ crypto, clock, machineKey: identity.machineKey, carrier: tcpCarrier() });
  const random = systemRandom();

  let surface: HttpSurface | undefined;
  const closing = Promise.withResolvers<void>();
  const network = toHex(crypto.sha256(utf8Bytes(config.networkName))) as NetworkId;
  const settings: NodeSettings = {
    network,
    version: VERSION,
    displayName: config.instanceName ?? 'muster',
    bindAddress: config.bindAddress,
    bootstrapPeers: config.bootstrapPeers,
    inboxLimit: config.inboxLimit,
    discovery: config.discovery,
    externalAddresses: (bound) => [...new Set([...config.externalAddresses, ...publicAddresses(bound)])],
    autoDial: config.autoDial,
    presence: config.presence,
    charter,
    apiAddress: () => surface?.address ?? config.apiAddress,
    gauges: () => {
      const { rss, heapUsed } = process.memoryUsage();
      return { process_resident_memory_bytes: rss, process_heap_used_bytes: heapUsed, http_streams: surface?.counts().streams ?? 0 };
    },
    // After the answer is out: closing waits for calls in flight, this one included.
    shutdown: () => void clock.after(10, closing.resolve),
  };
  const ports: NodePorts = { store, transport, neighbours: neighboursOf(config, clock, log), crypto, clock, random, log };
  const node = opened.use(compose(settings, ports, identity));
  try {
    surface = opened.use(
      await serveHttp({
        registry,
        handlers: node.handlers,
        token: () => token,
        address: config.apiAddress,
        limits: { stopMs: STOP_MS },
        clock,
        onError: (error, failure) =>
          log.write('error', 'a request failed inside the node', {
            ...failure,
            error: error instanceof Error ? (error.stack ?? error.message) : String(error),
          }),
      }),
    );
  } catch (error) {
    throw listenError(error, config.apiAddress, 'the API', 'api_address or --api-port');
  }
  const portFile = join(config.dataDir, 'api.port');
  await startLine(() => writeFileAtomic(portFile, surface!.address, 0o644));
  opened.defer(() => rm(portFile, { force: true }));
  let bindAddress: string;
  try {
    bindAddress = await node.join();
  } catch (error) {
    throw listenError(error, config.bindAddress, 'peers', 'bind_address');
  }
  log.write('info', 'musterd started', {
    version: VERSION,
    agent: identity.agentId,
    machine: identity.machineId,
    api: surface.address,
    bind: bindAddress,
    network: config.networkName,
  });

  const owned = opened.move();
  const closed = closing.promise.then(() => owned.disposeAsync());
  return {
    apiAddress: surface.address,
    bindAddress,
    identity,
    closed,
    [Symbol.asyncDispose]: () => {
      closing.resolve();
      return closed;
    },
  };
}

function neighboursOf(config: Config, clock: Clock, log: Log): Neighbours[] {
  const found: Neighbours[] = [hostDirectory({ directory: config.hostDirectory, clock, log })];
  // A node that only this host can reach has nothing to say on the LAN.
  const { host } = splitHostPort(config.bindAddress)!;
  const loopback = host === 'localhost' || host === '::1' || host.startsWith('127.');
  if (config.lanDiscovery && !loopback) found.push(mdnsNeighbours({ clock, log }));
  return found;
}

async function apiToken(file: string, make: () => string): Promise<string> {
  const existing = await readSecret(file).catch((error: unknown) => {
    if (error instanceof SecretFileError && error.code === 'missing') return undefined;
    throw error;
  });
  const token = existing && Buffer.from(existing).toString('utf8').trim();
  if (token && token.length >= MIN_TOKEN_LENGTH) return token;
  const made = make();
  await writeSecretAtomic(file, Buffer.from(`${made}\n`));
  return made;
}

async function readCharter(path: string | undefined): Promise<Charter> {
  if (path === undefined) return BUILT_IN_CHARTER;
  try {
    const { size } = await stat(path);
    if (size > MAX_CHARTER_BYTES) throw new Error(`larger than ${MAX_CHARTER_BYTES} bytes`);
    return { version: 'custom', status: 'Adopted', content: await readFile(path, 'utf8') };
  } catch (error) {
    throw new StartError(`${path}: cannot read the charter (${text(error)}); correct charter_path`);
  }
}

function directory(path: string, key: string): void {
  try {
    makePrivateDirectory(path);
  } catch (error) {
    throw new StartError(`${path}: cannot make the directory (${text(error)}); make it writable or set ${key}`);
  }
}

/** Engines explain themselves in one line; what starts the daemon passes that line on. */
async function startLine<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new StartError(text(error), { cause: error });
  }
}

function listenError(error: unknown, address: string, what: string, key: string): StartError {
  const code = codeOf((error as Error).cause) ?? codeOf(error);
  const why =
    code === 'EADDRINUSE'
      ? `the port is taken; stop the other program or change ${key}`
      : code === 'EACCES'
        ? `not allowed; choose another port in ${key}`
        : `${text(error)}; correct ${key}`;
  return new StartError(`cannot listen on ${address} for ${what}: ${why}`, { cause: error });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
