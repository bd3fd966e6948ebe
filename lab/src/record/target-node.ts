/** One node as a target offers it: how to reach it, and what the lab may do to its process. */
import { type Client, createClient, type Transport } from '@muster/client';
import type { Mechanism } from '../faults/fault-injector.ts';
import type { NetworkId } from '@muster/protocol';
import type { PeerEngines } from '../fake-peers/peer-engines.ts';
import type { DaemonExit } from '../process/daemon-process.ts';
import type { LocalNode } from '../world/local-node.ts';

export interface CliCommand {
  readonly command: string;
  /** before the capability's own arguments */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface TargetNode {
  /** unique in its world */
  readonly name: string;
  /** `host:port` of its local API; changes when the node restarts */
  readonly address: string;
  /** bearer token; a secret */
  readonly token: string;
  /** where there is a CLI for this node */
  readonly cli?: CliCommand | undefined;
  /** the process behind it, where the lab owns it */
  readonly local?: LocalNode | undefined;
  /** how it ended, when nobody asked it to */
  readonly died?: DaemonExit | undefined;
  /** how to reach its API, where that is not by HTTP */
  readonly transport?: (() => Transport) | undefined;
  /** how to break it, where it belongs to the lab */
  readonly faults?: NodeFaults | undefined;
  /** where peers find it, where it is no process */
  readonly place?: NodePlace | undefined;
  /** starts further nodes of its network beside it, where it is no process */
  readonly beside?: ((names: readonly string[], how: Beside) => Promise<NodesBeside>) | undefined;
}

export interface Beside {
  /** they dial this node and nobody else; else they find everybody by themselves */
  readonly line: boolean;
  /** further configuration keys */
  readonly config?: Readonly<Record<string, string | number | boolean>> | undefined;
}

export interface NodesBeside extends AsyncDisposable {
  readonly nodes: readonly TargetNode[];
}

export interface NodePlace {
  readonly network: NetworkId;
  /** `host:port` that it accepts links on */
  readonly address: string;
  /** what a peer must stand on to get there; the real network when absent */
  readonly engines?: () => PeerEngines;
}

export interface NodeFaults {
  kill(): Mechanism;
  pause(): Mechanism;
  restart(): Mechanism;
  /** the machine goes dark: what was not synced is lost */
  losePower(): Mechanism;
  /** the wall clock is set forward by so many ms, or back */
  skewClock(ms: number): Mechanism;
  /** the wall clock runs too fast by so many parts per million, or too slowly, from what it says now on */
  driftClock(ppm: number): Mechanism;
  /** nothing more fits on it */
  fillDisk(): Mechanism;
  /** each sync takes so many ms */
  slowDisk(ms: number): Mechanism;
}

export function clientOf({ address, token, transport }: Pick<TargetNode, 'address' | 'token' | 'transport'>): Client {
  return createClient({ baseUrl: `http://${address}`, token, ...(transport && { transport: transport() }) });
}
