/** Links that stay open and swallow what goes one way. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { alone } from './alone.ts';
import { replaced } from './replaced.ts';

export const blackHole: Suite = suiteOf('black-hole', 'A link that swallows what goes one way is told and replaced', [alone, replaced]);
