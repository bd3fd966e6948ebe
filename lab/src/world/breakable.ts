/** What daemons must be started with so that their clocks and disks can be broken; where this machine does not allow it, why. */
import { join } from 'node:path';
import { Preload } from '../preload/preload.ts';
import type { Reaper } from '../process/reaper.ts';
import type { Power } from '../targets/target.ts';
import type { LocalNode } from './local-node.ts';
import type { NodeHome } from './node-home.ts';
import { NoDisks, OwnDisks } from './own-disks.ts';

/** faults that a daemon must be started for */
export const PREPARED: readonly Power[] = ['clock', 'disk-full', 'disk-slow'];
const BY_PRELOAD: readonly Power[] = ['clock', 'disk-slow'];

export interface Breakable {
  readonly disks?: OwnDisks | undefined;
  /** by node */
  readonly preloads: ReadonlyMap<string, Preload>;
  readonly lacks: Map<Power, string>;
}

/** `homes`: by node, of those with a process of their own */
export async function breakable(
  uses: readonly Power[],
  homes: ReadonlyMap<string, NodeHome>,
  reaper: Reaper,
  stack: AsyncDisposableStack,
): Promise<Breakable> {
  const lacks = new Map<Power, string>();
  const preloaded = BY_PRELOAD.some((power) => uses.includes(power)) ? [...homes] : [];
  const preloads = new Map(preloaded.map(([name, { root }]) => [name, new Preload(join(root, 'preload'))]));
  let disks: OwnDisks | undefined;
  if (uses.includes('disk-full')) {
    try {
      disks = stack.use(await OwnDisks.open([...homes.values()].map(({ dataDir }) => dataDir), reaper)); // prettier-ignore
    } catch (error) {
      if (!(error instanceof NoDisks)) throw error;
      lacks.set('disk-full', error.message);
    }
  }
  return { disks, preloads, lacks };
}

/** A daemon that answers has loaded what was put into it, or never will. */
export function lookWhetherLoaded(nodes: readonly LocalNode[], lacks: Map<Power, string>): void {
  const without = nodes.find(({ preload }) => preload?.reports().size === 0);
  if (!without) return;
  const reason = `${without.command.implementation} does not run on Node, which is what this fault is made by`;
  for (const power of BY_PRELOAD) lacks.set(power, reason);
}
