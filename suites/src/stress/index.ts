/** Many messages at once: nothing is lost, doubled or forged, and the nodes count what happened. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { counters } from './counters.ts';
import { delivery } from './delivery.ts';

export const stress = (nodes: number): Suite => suiteOf('stress', 'Many messages at once', [delivery(nodes), counters(nodes)]);
