/** What one does to itself or to the network, others do not pay for. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { flood } from './flood.ts';
import { forged } from './forged.ts';
import { topics } from './topics.ts';

export const isolation: Suite = suiteOf('isolation', 'Floods, storms and crowds of topics cost others nothing', [flood, forged, topics]);
