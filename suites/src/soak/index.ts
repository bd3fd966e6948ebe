/** Hours of steady use, which can be taken up again where they were broken off. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { steady } from './steady.ts';

export const soak = (nodes: number): Suite => suiteOf('soak', 'Hours of steady use change nothing', [steady(nodes)]);
