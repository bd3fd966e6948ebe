/** Those who read slowly, or not at all, cost nobody else anything, and are told what they lost. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { node } from './node.ts';
import { reader } from './reader.ts';

export const slowConsumer: Suite = suiteOf('slow-consumer', 'Who does not read costs nobody else anything, and is told what it lost', [reader, node]);
