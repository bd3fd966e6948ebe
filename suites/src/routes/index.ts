/** The ways that direct messages take when there is no link. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { killed } from './killed.ts';
import { line } from './line.ts';
import { offPath } from './off-path.ts';
import { tampered } from './tampered.ts';

export const routes: Suite = suiteOf('routes', 'Direct messages reach whoever is known, linked or not', [line, offPath, killed, tampered]);
