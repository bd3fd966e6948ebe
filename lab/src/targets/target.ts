/** What is put to the proof: an implementation, the nodes it can provide, and what the lab may do to them. */
import type { Surface } from '@muster/proof';
import type { TargetNode } from '../record/target-node.ts';
import type { Link, Wiring } from '../world/local-process.ts';

/** `world`: boots fresh nodes whenever they are needed. `crowd`: many of them in one process. The others are faults. */
export const powers = ['world', 'crowd', 'kill', 'pause', 'restart', 'half-open'] as const;
export type Power = (typeof powers)[number];

export interface WorldRequest {
  /** how many; with a target that cannot boot nodes, how many of those there are */
  readonly nodes: number;
  readonly wiring?: Wiring;
  /** so many nodes share a process */
  readonly crowd?: number;
  /** further configuration keys of all nodes */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** all nodes belong to one human */
  readonly human?: boolean;
  readonly signal?: AbortSignal;
}

export interface TargetWorld extends AsyncDisposable {
  readonly nodes: readonly TargetNode[];
  /** links that can be cut */
  readonly links: readonly Link[];
  /** ms until all nodes answered; undefined when they were there already */
  readonly bootMs?: number;
  /** captured output, by node */
  readonly logs: readonly { readonly node: string; readonly path: string }[];
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
  open(request: WorldRequest): Promise<TargetWorld>;
}
