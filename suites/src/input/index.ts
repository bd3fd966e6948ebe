/** What no node may take: bad input, made from the contract. */
import type { Suite } from '@muster/lab';
import { suiteOf } from '../exercise.ts';
import { cli } from './cli.ts';
import { rest } from './rest.ts';
import { size } from './size.ts';

export const input: Suite = suiteOf('input', 'Bad input is refused everywhere', [rest, size, cli]);
