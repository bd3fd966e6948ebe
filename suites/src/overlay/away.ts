import { claims, observed } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { HEALED_MS } from '../links/requirements.ts';
import { untilMeshed } from '../links/peers.ts';
import { untilLost } from '../links/timing.ts';
import { deliveries, setting, twoOf } from '../nodes.ts';
import { Audience } from './audience.ts';

/** what neighbours keep for whoever is away */
const KEPT = 10_000;
/** `--messages` asks for more; beyond what is kept, the node must say what it missed */
const STANDARD = 500;
const CAUGHT_UP_MS = 30_000;

export const away = exercise(
  {
    'overlay.caught-up': 'A node that was away gets what was published meanwhile, up to 10,000 messages of five minutes, each once.',
    'overlay.told': 'A node that missed more than is kept for it tells its subscribers so, and never of more than were lost.',
  },
  {
    id: 'overlay/away',
    title: 'a node that stood still catches up, and says what it missed',
    needs: { nodes: 2, powers: ['pause'], capabilities: ['messaging.publish', 'messaging.events'] },
    limit: 180_000,
    phases: {
      async drive(context) {
        const { claim, faults, record } = context;
        const [alice, bob] = twoOf(context);
        await untilMeshed(context, [alice, bob], HEALED_MS);
        await using audience = await Audience.of(context, [bob], context.topic('news'));
        await audience.say(alice, ['before']);
        await audience.heard([bob], 1, 'bob listens', HEALED_MS);
        const fault = await faults.pause(bob);
        await untilLost(context, alice, bob);
        const messages = Math.max(STANDARD, setting(context, 'messages', STANDARD, 1));
        await audience.sayMany([alice], messages, 'meanwhile');
        await fault.heal();
        const kept = Math.min(messages, KEPT);
        const back = await audience.heard([bob], 1 + kept, 'bob has caught up', CAUGHT_UP_MS);
        const needsFaults = [fault];
        const missed = { nodes: [bob.name], stream: 'messaging.events', event: 'missed', where: [{ at: '/data/topic', equals: audience.topic }] };
        claim('caught-up', 'overlay.caught-up', 'MUST', claims.atMost({ seq: back.seq, at: '/data/ms' }, CAUGHT_UP_MS, 'ms'), { needsFaults });
        if (messages <= KEPT) {
          claim('once', 'overlay.caught-up', 'MUST', audience.exactlyOnce([bob]), { needsFaults });
          claim('nothing-missed', 'overlay.told', 'MUST', claims.never(missed), { needsFaults, premise: claims.occurs(deliveries(audience.topic)) });
          return;
        }
        const told = await context.eventually('bob is told', () => audience.missed(bob) > 0, HEALED_MS);
        const lost = record.observe('lab', 'overlay', 'lost', {
          messages: 1 + messages - audience.count(bob),
          told: audience.missed(bob),
          waited: told.ms,
        });
        claim('told', 'overlay.told', 'MUST', claims.atLeast(observed(missed, '/data/count'), 1, 'messages'), { needsFaults });
        claim(
          'not-too-many',
          'overlay.told',
          'MUST',
          claims.atMost(observed(missed, '/data/count'), 1 + messages - audience.count(bob), 'messages'),
          {
            needsFaults,
            premise: claims.exists({ seq: lost.seq, at: '/data' }),
          },
        );
      },
    },
  },
);
