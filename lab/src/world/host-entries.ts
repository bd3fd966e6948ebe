/** What the daemons of this host wrote for each other to find: how the lab reaches one as a peer, and sees that two could have met. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkId } from '@muster/protocol';
import { systemClock } from '../clock.ts';
import { eventually } from '../eventually.ts';
import type { NodeHandle } from '../record/node-handle.ts';
import type { NodePlace } from '../record/target-node.ts';

export interface HostEntry {
  readonly network: string;
  readonly machine: string;
  /** `host:port` that it accepts links on */
  readonly address: string;
}

/** Entries of all networks in a host directory; files that are none are left out. */
export async function hostEntries(directory: string): Promise<HostEntry[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile() && entry.name.endsWith('.json'));
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'utf8').catch(() => '')));
  return texts.flatMap((text) => entryIn(text) ?? []);
}

function entryIn(text: string): HostEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { network, machine, address } = value as Record<string, unknown>;
  return typeof network === 'string' && typeof machine === 'string' && typeof address === 'string' ? { network, machine, address } : undefined;
}

/** ms: a daemon answers a moment before it makes itself findable */
const FINDABLE_LIMIT_MS = 5_000;

/** Where a scripted peer finds a node, the network it must belong to, and what it must stand on. @throws when the node does not make itself findable */
export async function placeOf(node: NodeHandle): Promise<NodePlace> {
  const { local, place } = node.target;
  if (place) return place;
  if (!local) throw new Error(`${node.name} is not a process of this lab`);
  const network = createHash('sha256').update(local.config.networkId).digest('hex') as NetworkId;
  const own = async (): Promise<HostEntry | undefined> =>
    (await hostEntries(local.config.hostDirectory)).find((entry) => entry.network === network && entry.machine === node.machineId);
  const { value } = await eventually(systemClock, own, { within: FINDABLE_LIMIT_MS, what: `${node.name} in the host directory` });
  return { network, address: value.address };
}
