import { claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { HEALED_MS } from '../links/requirements.ts';
import { untilMeshed } from '../links/peers.ts';
import { threeOf } from '../nodes.ts';
import { Audience } from '../overlay/audience.ts';

const MESSAGES = 200;
/** ms in which the others have everything while one stands still */
const OTHERS_MS = 5_000;
const PATIENCE_MS = 30_000;

export const node = exercise(
  {
    'slow-consumer.node': 'A node that stands still does not hold up messages between the others.',
    'slow-consumer.later': 'A node that stood still gets what it did not read, each message once.',
  },
  {
    id: 'slow-consumer/node',
    title: 'a node that stands still holds up nobody, and gets everything later',
    needs: { nodes: 3, powers: ['pause'], capabilities: ['messaging.publish', 'messaging.events'] },
    limit: 120_000,
    phases: {
      async drive(context) {
        const { claim, faults, nodes } = context;
        const [alice, bob, carol] = threeOf(context);
        await untilMeshed(context, nodes, HEALED_MS);
        await using audience = await Audience.of(context, [bob, carol], context.topic('news'));
        await audience.say(alice, ['before']);
        await audience.heard([bob, carol], 1, 'both listen', HEALED_MS);
        const fault = await faults.pause(bob);
        await audience.sayMany([alice], MESSAGES, 'meanwhile');
        const others = await audience.heard([carol], 1 + MESSAGES, 'carol has everything', PATIENCE_MS);
        await fault.heal();
        await audience.heard([bob], 1 + MESSAGES, 'bob has everything', PATIENCE_MS);
        const needsFaults = [fault];
        claim('others', 'slow-consumer.node', 'MUST', claims.atMost({ seq: others.seq, at: '/data/ms' }, OTHERS_MS, 'ms'), { needsFaults });
        claim('others-once', 'slow-consumer.node', 'MUST', audience.exactlyOnce([carol]), { needsFaults });
        claim('later-once', 'slow-consumer.later', 'MUST', audience.exactlyOnce([bob]), { needsFaults });
      },
    },
  },
);
