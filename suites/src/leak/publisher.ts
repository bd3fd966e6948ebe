import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, setting, twoOf } from '../nodes.ts';
import { exercise } from '../exercise.ts';
import { Traffic } from '../traffic.ts';
import { requiredOf, watched } from './envelope.ts';

/** operations per second of both nodes together, half of them published; `--rate` says otherwise */
const RATE = 30;
const LIMIT_MS = 24 * 3_600_000;

export const publisher = exercise(
  {
    ...requiredOf('publisher', 'Publishing and writing at a steady rate'),
    'leak.publisher.whole': 'All the while nothing is refused, lost, doubled or forged.',
  },
  {
    id: 'leak/publisher',
    title: 'two nodes that publish and write to each other take no more and more for it',
    needs: { nodes: 2, powers: ['world', 'process'], capabilities: ['messaging.publish', 'direct.send'], exclusive: 'nobody else may use its nodes' },
    limit: LIMIT_MS,
    phases: {
      async drive(context) {
        const nodes = twoOf(context);
        await untilLinked(context, ...nodes, ARRIVAL_LIMIT_MS);
        await using traffic = await Traffic.of(context, nodes, setting(context, 'rate', 0, 0) || RATE);
        const stretch = await traffic.during(() => watched(context, 'publisher', nodes));
        traffic.claimWhole('whole', 'leak.publisher.whole', stretch);
      },
    },
  },
);
