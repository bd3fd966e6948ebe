/** Every node reaches every other, as seen from one of them. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { pairs } from './pairs.ts';

export const mesh = (nodes: number): Suite => suiteOf('mesh', 'Every node reaches every other', [pairs(nodes)]);
