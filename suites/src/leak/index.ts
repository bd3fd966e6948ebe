/** Nodes that run for long take no more and more. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { idle } from './idle.ts';
import { publisher } from './publisher.ts';

export const leak: Suite = suiteOf('leak', 'Nodes take no more and more, idle or busy', [idle, publisher]);
