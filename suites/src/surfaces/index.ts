import { type Suite, suite } from '@muster/lab';
import { sameAnswers } from './calls.ts';
import { sameRefusals } from './refusals.ts';
import { required } from './requirements.ts';
import { duringRestart } from './restart.ts';
import { shutdownEverywhere } from './shutdown.ts';
import { sameEvents } from './streams.ts';
import { unknownOperations } from './unknown.ts';

export const surfaces: Suite = suite({
  name: 'surfaces',
  title: 'One capability, the same on every surface',
  requirements: Object.values(required),
  scenarios: [...sameAnswers, sameRefusals, sameEvents, unknownOperations, duringRestart, shutdownEverywhere],
});
