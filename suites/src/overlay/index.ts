/** How published messages travel through networks of many nodes. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { away } from './away.ts';
import { eclipse } from './eclipse.ts';
import { hostile } from './hostile.ts';
import { roots } from './roots.ts';
import { interest } from './interest.ts';
import { survivors } from './survivors.ts';
import { thirty } from './thirty.ts';

export const overlay: Suite = suiteOf('overlay', 'Messages reach all who listen, whoever joins, ends or does harm', [
  interest,
  away,
  hostile,
  roots,
  eclipse,
  thirty,
  survivors,
]);
