/** The files of one node of a local world: everything it may touch lies under one directory. */
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface NodeHome {
  readonly root: string;
  /** `HOME` of the daemon; identities live under it */
  readonly home: string;
  /** what the daemon knows it by */
  readonly dataDir: string;
  /** where the lab finds that: elsewhere, when the daemon has a disk of its own */
  readonly data: string;
  readonly config: string;
  readonly log: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface NodeConfig {
  /** a random name: nodes of two worlds on one host never meet */
  readonly networkId: string;
  /** where daemons of this world find each other without configuration */
  readonly hostDirectory: string;
  /** `host:port` of the peer-to-peer listener */
  readonly bindAddress: string;
  readonly bootstrapPeers: readonly string[];
  /** further keys, top level, as TOML values */
  readonly extra?: Readonly<Record<string, string | number | boolean>>;
}

export async function createHome(root: string, path: string): Promise<NodeHome> {
  const home = join(root, 'home');
  const dirs = {
    config: join(home, '.config'),
    data: join(home, '.local', 'share'),
    state: join(home, '.local', 'state'),
    cache: join(home, '.cache'),
  };
  const runtime = join(root, 'run');
  const tmp = join(root, 'tmp');
  const dataDir = join(root, 'data');
  await Promise.all([...Object.values(dirs), runtime, tmp, dataDir].map((dir) => mkdir(dir, { recursive: true, mode: 0o700 })));
  return {
    root,
    home,
    dataDir,
    data: dataDir,
    config: join(root, 'config.toml'),
    log: join(root, 'daemon.log'),
    environment: {
      PATH: path,
      HOME: home,
      XDG_CONFIG_HOME: dirs.config,
      XDG_DATA_HOME: dirs.data,
      XDG_STATE_HOME: dirs.state,
      XDG_CACHE_HOME: dirs.cache,
      XDG_RUNTIME_DIR: runtime,
      TMPDIR: tmp,
      LANG: 'C.UTF-8',
    },
  };
}

/** Writes the daemon's configuration; keys are those of the compatible daemon, unknown ones are tolerated by every daemon. */
export async function writeConfig(home: NodeHome, config: NodeConfig): Promise<void> {
  const top = {
    bind_address: config.bindAddress,
    api_address: '127.0.0.1:0',
    data_dir: home.dataDir,
    bootstrap_peers: config.bootstrapPeers,
    network_id: config.networkId,
    host_directory: config.hostDirectory,
    lan_discovery: false,
    log_level: 'info',
    log_format: 'text',
    heartbeat_interval_secs: 5,
    ...config.extra,
  };
  const lines = Object.entries(top).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  const text = [...lines, '', '[update]', 'enabled = false', 'gossip_updates = false', ''].join('\n');
  await writeFile(home.config, text, { mode: 0o600 });
}

/** The API's address and token once the daemon has written both; undefined before. */
export function readApi(home: NodeHome): { address: string; token: string } | undefined {
  const token = readToken(home);
  const address = readIfThere(join(home.data, 'api.port'))?.trim();
  if (!address || !token) return undefined;
  return { address: /^\d+$/.test(address) ? `127.0.0.1:${address}` : address, token };
}

/** The API's token as soon as the daemon has one, whether it answers or not; a secret. */
export function readToken(home: NodeHome): string | undefined {
  return readIfThere(join(home.data, 'api-token'))?.trim() || undefined;
}

/** A daemon that was killed leaves its old address behind; it must not be taken for the next one's. */
export async function forgetApi(home: NodeHome): Promise<void> {
  await rm(join(home.data, 'api.port'), { force: true });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
