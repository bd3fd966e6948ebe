/** What is put to the proof: an implementation, the nodes it can provide, and what the lab may do to them. */
import type { Json, Surface } from '@muster/proof';
import type { LabClock } from '../clock.ts';
import type { TargetNode } from '../record/target-node.ts';
import type { Link } from '../faults/link-path.ts';
import type { Liar } from '../liars/liars.ts';
import type { Wiring } from '../world/local-process.ts';

/** `world`: boots fresh nodes whenever they are needed. `crowd`: many of them in one process. `dial`: their APIs answer on sockets. `link`: scripted peers can link to them. `process`: they are processes of this host, to be looked into. The others are faults. */
export const powers = [
  'world',
  'crowd',
  'dial',
  'link',
  'process',
  'kill',
  'pause',
  'restart',
  'half-open',
  'clock',
  'disk-full',
  'disk-slow',
  'power',
  'liars',
] as const;
export type Power = (typeof powers)[number];

export interface WorldRequest {
  /** how many; with a target that cannot boot nodes, how many of those there are */
  readonly nodes: number;
  /** what they are called; names of its own when not given */
  readonly names?: readonly string[] | undefined;
  /** nodes that lie, by name, and how */
  readonly liars?: Readonly<Record<string, Liar>> | undefined;
  readonly wiring?: Wiring;
  /** so many nodes share a process */
  readonly crowd?: number;
  /** further configuration keys of all nodes */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** all nodes belong to one human */
  readonly human?: boolean;
  /** faults that will be asked for, where nodes must be started so that they can be made */
  readonly uses?: readonly Power[] | undefined;
  /** gets what nodes say in their logs, where the lab can read them */
  readonly said?: ((node: string, line: string) => void) | undefined;
  readonly signal?: AbortSignal;
}

export interface TargetWorld extends AsyncDisposable {
  readonly nodes: readonly TargetNode[];
  /** links that can be cut */
  readonly links: readonly Link[];
  /** powers that turned out to be missing here, and why */
  readonly lacks?: ReadonlyMap<Power, string>;
  /** ms until all nodes answered; undefined when they were there already */
  readonly bootMs?: number;
  /** captured output, by node */
  readonly logs: readonly { readonly node: string; readonly path: string }[];
}

/** A world on virtual time, in place of one made of processes. */
interface Simulated {
  readonly clock: LabClock;
  readonly runId: string;
  readonly replay: { readonly level: 'L3' | 'L4'; readonly note: string };
  /** what the run was, in the end: goes into the evidence */
  summary(): Json;
}

export interface Target {
  /** what the nodes run, for the evidence */
  readonly implementation: string;
  /** most nodes that a world can have */
  readonly maxNodes: number;
  readonly powers: readonly Power[];
  readonly surfaces: readonly Surface[];
  /** looks whether there is anything to open, before a run begins. @throws TargetAddressError */
  reach?(): Promise<void>;
  readonly simulated?: Simulated;
  open(request: WorldRequest): Promise<TargetWorld>;
}
