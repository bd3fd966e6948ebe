/** Everything at once, for as long as is asked: continuous load through every fault, and new progress after each. */
import { suiteOf } from '../exercise.ts';
import { storm } from './storm.ts';

export const chaos = suiteOf('chaos', 'Continuous load through faults of every kind', [storm]);
