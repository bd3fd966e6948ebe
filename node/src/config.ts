/** Daemon configuration: TOML text in, checked values out. Keys and defaults follow the compatible daemon; unknown keys are tolerated. */
import { isAbsolute, join } from 'node:path';
import { isPubliclyRoutable, MAX_ANNOUNCED_ADDRESSES, MAX_RENDEZVOUS_VALIDITY_MS } from '@muster/protocol';
import { parse as parseToml, TomlError } from 'smol-toml';
import * as z from 'zod';
import type { LogLevel } from './ports/index.ts';
import type { PresenceSettings } from './services/presence/presence-service.ts';

const DEFAULT_TRANSPORT_PORT = 5483;
const DEFAULT_API_PORT = 12_700;

export interface Config {
  readonly instanceName: string | undefined;
  /** `host:port` of the peer-to-peer listener */
  readonly bindAddress: string;
  /** `host:port` of the local API */
  readonly apiAddress: string;
  readonly dataDir: string;
  /** keys live here, apart from the data, so that wiping data keeps the identity */
  readonly identityDir: string;
  /** nodes of different networks never meet, even on one host */
  readonly networkName: string;
  /** `host:port` */
  readonly bootstrapPeers: readonly string[];
  /** where running instances of one host find each other */
  readonly hostDirectory: string;
  readonly lanDiscovery: boolean;
  /** false: dials bootstrap peers and whom the user asks for, nobody else */
  readonly autoDial: boolean;
  readonly userKeyPath: string | undefined;
  /** replaces the built-in charter */
  readonly charterPath: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  /** committed direct messages kept for `/direct/inbox`; the oldest go first */
  readonly inboxLimit: number;
  readonly discovery: DiscoverySettings;
  readonly presence: PresenceSettings;
  /** `host:port` that others reach this node at, where it cannot tell by itself: behind a forwarded port, in a container */
  readonly externalAddresses: readonly string[];
  /** keys of the file that mean nothing here: tolerated, but a mistyped one should not pass unseen */
  readonly unknownKeys: readonly string[];
}

export interface DiscoverySettings {
  /** between two announcements of this agent */
  readonly heartbeatMs: number;
  /** agents that were silent for longer are listed no more */
  readonly ttlMs: number;
  /** how long the rendezvous record of this agent is valid; undefined: it leaves none, keeps none and asks for none */
  readonly rendezvousValidityMs: number | undefined;
}

/** Where a daemon keeps its things when the configuration does not say; see `instancePaths`. */
export interface DefaultPaths {
  /** what `~/` stands for in the file */
  readonly home: string;
  readonly dataDir: string;
  readonly identityDir: string;
  readonly hostDirectory: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** 1–64 characters, letters, digits and dashes, first one alphanumeric. */
export const INSTANCE_NAME = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** A daemon is started from anywhere: a relative path would be another one each time. */
const path = z
  .string()
  .refine((text) => isAbsolute(text) || text.startsWith('~/'), { error: 'must be an absolute path, or one below your home that begins with ~/' });
const hostPort = z.string().refine((text) => splitHostPort(text) !== undefined, { error: 'must be host:port, with the port in 0–65535' });

/** Keys of the compatible daemon that have no effect here (yet). */
const COMPATIBLE_KEYS: ReadonlySet<string> = new Set([
  'directory_digest_interval_secs',
  'group_card_republish_interval_secs',
  'directory_resubscribe_jitter_ms',
  'gossip',
  'update',
]);

const File = z.looseObject({
  instance_name: z.string().regex(INSTANCE_NAME, { error: 'must be 1–64 letters, digits or dashes, starting with a letter or digit' }).optional(),
  bind_address: hostPort.optional(),
  api_address: hostPort.optional(),
  data_dir: path.optional(),
  identity_dir: path.optional(),
  network_id: z.string().min(1).max(64).default('muster.main'),
  bootstrap_peers: z.array(hostPort).default([]),
  host_directory: path.optional(),
  lan_discovery: z.boolean().default(true),
  auto_dial: z.boolean().default(true),
  user_key_path: path.optional(),
  charter_path: path.optional(),
  log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('warn'),
  log_format: z.enum(['text', 'json']).default('text'),
  external_addresses: z
    .array(hostPort.refine(isPubliclyRoutable, { error: 'must be an address that the public internet routes' }))
    .max(MAX_ANNOUNCED_ADDRESSES)
    .default([]),
  heartbeat_interval_secs: z.int().min(1).max(86_400).default(300),
  identity_ttl_secs: z
    .int()
    .min(1)
    .max(30 * 86_400)
    .default(900),
  rendezvous_enabled: z.boolean().default(true),
  rendezvous_validity_ms: z.int().min(1_000).max(MAX_RENDEZVOUS_VALIDITY_MS).default(3_600_000),
  presence_beacon_interval_secs: z.int().min(1).max(100).default(30),
  presence_offline_timeout_secs: z.int().min(1).max(3_600).default(300),
  presence_event_poll_interval_secs: z.int().min(1).max(3_600).default(1),
  inbox_limit: z.int().min(100).max(10_000_000).default(100_000),
});

export interface Overrides {
  readonly name?: string | undefined;
  readonly apiPort?: number | undefined;
  /** clears the bootstrap list, including the file's */
  readonly noBootstrap?: boolean | undefined;
}

/** The instance name that decides the default paths: the flag, else the file's. */
export function instanceNameOf(tomlText: string, file: string, overrides: Overrides): string | undefined {
  return overrides.name ?? readFile(tomlText, file).instance_name;
}

/** Checks `tomlText` (empty = all defaults). Throws `ConfigError` naming the file and the key. */
export function readConfig(tomlText: string, file: string, paths: DefaultPaths, overrides: Overrides = {}): Config {
  const values = readFile(tomlText, file);
  const instanceName = overrides.name ?? values.instance_name;
  if (instanceName !== undefined && !INSTANCE_NAME.test(instanceName)) {
    throw new ConfigError(`--name ${instanceName}: must be 1–64 letters, digits or dashes, starting with a letter or digit`);
  }
  const named = instanceName !== undefined;
  const bindAddress = values.bind_address ?? `[::]:${named ? 0 : DEFAULT_TRANSPORT_PORT}`;
  const apiAddress = values.api_address ?? `127.0.0.1:${named ? 0 : DEFAULT_API_PORT}`;
  const api = splitHostPort(apiAddress)!;
  const given = (path: string | undefined): string | undefined => (path?.startsWith('~/') ? join(paths.home, path.slice(2)) : path);
  return {
    instanceName,
    bindAddress,
    apiAddress: overrides.apiPort === undefined ? apiAddress : joinHostPort(api.host, overrides.apiPort),
    dataDir: given(values.data_dir) ?? paths.dataDir,
    identityDir: given(values.identity_dir) ?? paths.identityDir,
    networkName: values.network_id,
    bootstrapPeers: overrides.noBootstrap ? [] : values.bootstrap_peers,
    hostDirectory: given(values.host_directory) ?? paths.hostDirectory,
    lanDiscovery: values.lan_discovery,
    autoDial: values.auto_dial,
    userKeyPath: given(values.user_key_path),
    charterPath: given(values.charter_path),
    logLevel: values.log_level === 'trace' ? 'debug' : values.log_level,
    logFormat: values.log_format,
    inboxLimit: values.inbox_limit,
    discovery: {
      heartbeatMs: values.heartbeat_interval_secs * 1_000,
      ttlMs: values.identity_ttl_secs * 1_000,
      rendezvousValidityMs: values.rendezvous_enabled ? values.rendezvous_validity_ms : undefined,
    },
    presence: {
      beaconIntervalMs: values.presence_beacon_interval_secs * 1_000,
      offlineTimeoutMs: values.presence_offline_timeout_secs * 1_000,
      eventPollMs: values.presence_event_poll_interval_secs * 1_000,
    },
    externalAddresses: values.external_addresses,
    unknownKeys: Object.keys(values).filter((key) => !Object.hasOwn(File.shape, key) && !COMPATIBLE_KEYS.has(key)),
  };
}

function readFile(tomlText: string, file: string): z.output<typeof File> {
  let raw: unknown;
  try {
    raw = parseToml(tomlText);
  } catch (error) {
    const where = error instanceof TomlError ? `:${error.line}:${error.column}` : '';
    throw new ConfigError(`${file}${where}: not valid TOML (${firstLine(error)}); correct or remove the file`);
  }
  const result = File.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new ConfigError(`${file}: ${issue.path.join('.') || 'configuration'}: ${issue.message}; correct the value`);
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0]!;
}

/** `host:port` or `[v6]:port` → its parts; undefined when it is neither. */
export function splitHostPort(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) return undefined;
  return { host: match[1] ?? match[2]!, port };
}

export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
