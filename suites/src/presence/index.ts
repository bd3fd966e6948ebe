/** Who is online, how soon that is known, and what does not change it; and whether a node knows that it hears nobody. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { chance } from './chance.ts';
import { commands } from './commands.ts';
import { doubt, lossy } from './doubt.ts';
import { flood } from './flood.ts';
import { health } from './health.ts';
import { known } from './known.ts';
import { line } from './line.ts';
import { walk } from './walk.ts';

export const presence: Suite = suiteOf('presence', 'Who is online, and who hears nobody', [
  known,
  commands,
  line,
  doubt,
  lossy,
  walk,
  chance,
  flood,
  health,
]);
