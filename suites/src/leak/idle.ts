import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, twoOf } from '../nodes.ts';
import { exercise } from '../exercise.ts';
import { requiredOf, watched } from './envelope.ts';

const LIMIT_MS = 24 * 3_600_000;

export const idle = exercise(requiredOf('idle', 'Being there, linked, without anything to do'), {
  id: 'leak/idle',
  title: 'two nodes that have nothing to do take no more and more for it',
  needs: { nodes: 2, powers: ['world', 'process'], exclusive: 'nobody else may use its nodes' },
  limit: LIMIT_MS,
  phases: {
    async drive(context) {
      const nodes = twoOf(context);
      await untilLinked(context, ...nodes, ARRIVAL_LIMIT_MS);
      await watched(context, 'idle', nodes);
    },
  },
});
