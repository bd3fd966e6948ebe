/** What a node tells of the network: its peers, whom it has discovered, and its own numbers. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { commands } from './commands.ts';
import { connectivity } from './connectivity.ts';
import { diagnostics } from './diagnostics.ts';
import { discovery } from './discovery.ts';
import { lifecycle } from './lifecycle.ts';
import { peers } from './peers.ts';
import { rejoin } from './rejoin.ts';

export const network: Suite = suiteOf('network', 'Peers, discovery and diagnostics', [
  connectivity,
  peers,
  lifecycle,
  rejoin,
  diagnostics,
  discovery,
  commands,
]);
