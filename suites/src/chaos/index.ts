/** Everything at once, for as long as is asked: continuous load through every fault, and new progress after each. */
import type { Schedule, Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { storm } from './storm.ts';

const NODES = 5;

/** `schedule`: what happens, in place of what the seed makes of so many nodes */
export function chaos({ nodes = NODES, schedule }: { readonly nodes?: number | undefined; readonly schedule?: Schedule | undefined } = {}): Suite {
  return suiteOf('chaos', 'Continuous load through faults of every kind', [storm(nodes, schedule)]);
}
