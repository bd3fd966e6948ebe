import { randomUUID } from 'node:crypto';
import { splitHostPort } from '../config.ts';
import type { Self } from '../ports/index.ts';
import { placeMark, processMark } from './process-mark.ts';

/** One running instance, as its file in the host directory tells it. */
export interface HostEntry {
  readonly network: string;
  readonly machine: string;
  /** `host:port` that the instance listens on */
  readonly address: string;
  /** another one at each start, so that a return shows however quick it is */
  readonly instance: string;
  readonly pid: number;
  readonly mark: string;
}

/** The text of this process's own file. */
export function ownEntry({ network, machine, address }: Self): string {
  const entry: HostEntry = { network, machine, address, instance: randomUUID(), pid: process.pid, mark: processMark(process.pid) ?? '' };
  return `${JSON.stringify(entry)}\n`;
}

/** The entry in a file, if it is one of that network and machine. */
export function parseEntry(text: string, network: string, machine: string): HostEntry | undefined {
  let value: Partial<Record<keyof HostEntry, unknown>> | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { address, instance, pid, mark } = value;
  if (value.network !== network || value.machine !== machine) return undefined;
  if (typeof address !== 'string' || !splitHostPort(address)?.port) return undefined;
  if (typeof instance !== 'string') return undefined;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0 || typeof mark !== 'string') return undefined;
  return { network, machine, address, instance, pid, mark };
}

/** Certainly ended. An instance in another pid namespace cannot be judged from here, and counts as alive. */
export function isDead({ pid, mark }: HostEntry): boolean {
  const [boot, namespace] = mark.split('/');
  const [ourBoot, ourNamespace] = placeMark().split('/');
  if (boot !== ourBoot) return true;
  return namespace === ourNamespace && processMark(pid) !== mark;
}

/** Where another process of this host reaches what listens on `address`. */
export function localAddresses(address: string): string[] {
  const { host, port } = splitHostPort(address)!;
  if (host === '0.0.0.0') return [`127.0.0.1:${port}`];
  if (host === '::') return [`127.0.0.1:${port}`, `[::1]:${port}`];
  return [address];
}
