/** A world of real daemons on this host: own homes, ephemeral ports, one random network id, nothing left behind. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeyFile } from '@muster/node';
import { type LabClock, systemClock } from '../clock.ts';
import { HalfOpenProxy } from '../faults/half-open-proxy.ts';
import type { Link } from '../faults/link-path.ts';
import { startReaper } from '../process/reaper.ts';
import type { Power } from '../targets/target.ts';
import { breakable, lookWhetherLoaded } from './breakable.ts';
import { Crowd } from './crowd.ts';
import type { DaemonCommand } from './daemon-command.ts';
import { freePort } from './free-port.ts';
import { LocalNode } from './local-node.ts';
import { createHome, type NodeHome, writeConfig } from './node-home.ts';
import { Tokens } from './tokens.ts';

const SEED_BYTES = 32;

/** How nodes come to know each other. */
export type Wiring =
  /** through the host directory: no configuration */
  | 'host-directory'
  /** each node bootstraps from all before it, at addresses chosen beforehand */
  | 'bootstrap'
  /** each node bootstraps from the one before it, and dials nobody else: A and C meet through B only */
  | 'line'
  /** each node bootstraps from the first one only, and finds the others through it */
  | 'star'
  /** each node bootstraps from three of those before it, and finds others through them: where a link of each to each would be too many */
  | 'few'
  /** as `bootstrap`, but every link runs through a proxy that can be cut in one direction */
  | 'proxied';

export interface LocalWorldOptions {
  readonly command: DaemonCommand;
  /** by name, for nodes that run something else */
  readonly commands?: Readonly<Record<string, DaemonCommand>>;
  readonly nodes: readonly string[];
  /** nodes without a command of their own share processes, so many in each; `command` takes `NAME=CONFIG` for each */
  readonly crowd?: { readonly command: DaemonCommand; readonly size: number };
  readonly wiring?: Wiring;
  readonly clock?: LabClock;
  readonly signal?: AbortSignal;
  /** ms each daemon may take to answer */
  readonly bootLimit?: number;
  /** the network to join; a random one of its own when not given */
  readonly networkId?: string;
  /** where nodes of this host find each other; a directory of its own when not given */
  readonly hostDirectory?: string;
  /** `host:port` that each node bootstraps from beside those of the wiring */
  readonly bootstrapPeers?: readonly string[];
  /** further top-level configuration keys */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** all nodes belong to one human, with a key made for this world */
  readonly human?: boolean;
  /** of the faults that nodes must be started for, those that will be asked for; nodes that share a process go without */
  readonly uses?: readonly Power[];
  /** gets what nodes with a process of their own say in their logs */
  readonly said?: ((node: string, line: string) => void) | undefined;
}

export interface LocalWorld extends AsyncDisposable {
  readonly directory: string;
  readonly networkId: string;
  readonly nodes: readonly LocalNode[];
  /** links that can be broken; only in a `proxied` world */
  readonly links: readonly Link[];
  /** of the faults that were asked for, those that cannot be made, and why */
  readonly lacks: ReadonlyMap<Power, string>;
  /** ms from the first start until all answered */
  readonly bootMs: number;
  node(name: string): LocalNode;
}

/** Boots all nodes at once. When one does not come up, the rest is taken down again and its error thrown. */
export async function startLocalWorld(options: LocalWorldOptions): Promise<LocalWorld> {
  const { command, clock = systemClock, wiring = 'host-directory' } = options;
  await using stack = new AsyncDisposableStack();
  const start = clock.monotonic();
  const reaper = stack.use(await startReaper());
  const networkId = options.networkId ?? `lab.${randomBytes(24).toString('hex')}`;
  const ports = wiring === 'host-directory' ? undefined : await Promise.all(options.nodes.map(() => freePort()));
  const links: Link[] = [];

  const bootstrapPeers = async (index: number): Promise<string[]> => {
    const peers = [...(options.bootstrapPeers ?? [])];
    for (const [before, to] of options.nodes.slice(0, index).entries()) {
      if (
        (wiring === 'line' && before !== index - 1) ||
        (wiring === 'star' && before > 0) ||
        (wiring === 'few' && !fewBefore(index).includes(before))
      )
        continue;
      const direct = `127.0.0.1:${ports![before]}`;
      if (wiring !== 'proxied') peers.push(direct);
      else {
        const proxy = stack.use(await HalfOpenProxy.start(direct));
        links.push({ from: options.nodes[index]!, to, path: proxy });
        peers.push(proxy.address);
      }
    }
    return peers;
  };

  const extra = {
    // A link past the proxies could not be cut, and one past the line would be none.
    ...((wiring === 'line' || wiring === 'proxied') && { auto_dial: false }),
    ...(options.human && { user_key_path: await userKey(reaper.directory) }),
    ...options.config,
  };

  const nodes: LocalNode[] = [];
  const tokens = new Tokens();
  const crowds: Crowd[] = [];
  const crowdOf = (index: number, name: string): Crowd | undefined => {
    const { crowd, commands } = options;
    if (!crowd || commands?.[name]) return undefined;
    return (crowds[Math.floor(index / crowd.size)] ??= new Crowd(crowd.command, reaper, clock));
  };
  const homes = new Map<string, NodeHome>();
  for (const name of options.nodes) homes.set(name, await createHome(join(reaper.directory, 'nodes', name), process.env['PATH'] ?? '/usr/bin:/bin'));
  const alone = new Map([...homes].filter(([name]) => !options.crowd || options.commands?.[name]));
  const { disks, preloads, lacks } = await breakable(options.uses ?? [], alone, reaper, stack);
  for (const [index, name] of options.nodes.entries()) {
    const made = homes.get(name)!;
    const ownDisks = alone.has(name) ? disks : undefined;
    const home = ownDisks ? { ...made, data: ownDisks.outside(made.dataDir) } : made;
    const hostDirectory = options.hostDirectory ?? (wiring === 'host-directory' ? join(reaper.directory, 'host') : join(home.root, 'host'));
    await mkdir(hostDirectory, { recursive: true, mode: 0o700 });
    const peers = ports ? await bootstrapPeers(index) : [...(options.bootstrapPeers ?? [])];
    const bindAddress = `127.0.0.1:${ports?.[index] ?? 0}`;
    const config = { networkId, hostDirectory, bindAddress, bootstrapPeers: peers, extra };
    await writeConfig(home, config);
    const bootstraps = peers.length > 0;
    const bootLimit = options.bootLimit === undefined ? {} : { bootLimit: options.bootLimit };
    const crowd = crowdOf(index, name);
    const own = options.commands?.[name] ?? command;
    const { said } = options;
    const prepared = { tokens, disks: ownDisks, preload: preloads.get(name), said: said && ((line: string) => said(name, line)) };
    nodes.push(stack.use(new LocalNode({ name, home, config, command: own, bootstraps, reaper, clock, crowd, ...prepared, ...bootLimit })));
  }

  // Those that share a process start together, one process after the other: a hundred that greet one another at once hold a machine up for minutes.
  const together = options.crowd?.size ?? nodes.length;
  for (let at = 0; at < nodes.length; at += together) {
    const boots = await Promise.allSettled(nodes.slice(at, at + together).map((node) => node.start(options.signal)));
    for (const boot of boots) if (boot.status === 'rejected') throw boot.reason;
  }
  lookWhetherLoaded(nodes, lacks);
  const owned = stack.move();
  return {
    directory: reaper.directory,
    networkId,
    nodes,
    links,
    lacks,
    bootMs: clock.monotonic() - start,
    node(name) {
      const found = nodes.find((node) => node.name === name);
      if (!found) throw new Error(`no node ${name} in this world`);
      return found;
    },
    // Nodes end together, not one after the other as a stack would have it.
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(nodes.map((node) => node[Symbol.asyncDispose]()));
      await owned.disposeAsync();
    },
  };
}

/** The last one, and two further back, so that no path between two nodes is long. */
function fewBefore(index: number): readonly number[] {
  return [index - 1, index >> 1, index >> 2];
}

async function userKey(directory: string): Promise<string> {
  const path = join(directory, 'user.key');
  await createKeyFile(path, 'user', randomBytes(SEED_BYTES));
  return path;
}
