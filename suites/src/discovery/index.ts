/** How agents become known, are found, and are forgotten. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { away } from './away.ts';
import { line } from './line.ts';
import { news } from './news.ts';
import { privacy } from './privacy.ts';

export const discovery: Suite = suiteOf('discovery', 'Agents announce themselves, and are found', [privacy, news, line, away]);
