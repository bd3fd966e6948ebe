import { exercise } from '../exercise.ts';
import { untilMeshed } from '../links/peers.ts';
import { HEALED_MS, NOTICED_MS } from '../links/requirements.ts';
import { within } from '../links/timing.ts';
import { threeOf } from '../nodes.ts';
import { Traffic } from '../traffic.ts';

/** operations per second of all nodes together */
const RATE = 9;
/** ms after the path was replaced in which it is used */
const USED_MS = 2_000;
/** for a busy machine: it is the claim that decides */
const PATIENCE_MS = 30_000;
const ANOTHER_WAY = 'gossip_inbox';

export const replaced = exercise(
  {
    'black-hole.replaced': 'Within 15 s after a link swallows what goes one way, messages for the other end are acknowledged over another path.',
    'black-hole.whole': 'Of what was accepted before, during and after nothing is lost, doubled or forged, at no node.',
  },
  {
    id: 'black-hole/replaced',
    title: 'a link that swallows everything in one direction is replaced by another path, and nothing is lost',
    needs: { nodes: 3, powers: ['half-open'], wiring: 'proxied', capabilities: ['direct.send', 'messaging.publish'] },
    limit: 180_000,
    phases: {
      async drive(context) {
        const { claim, clock, eventually, faults, links, nodes, signal } = context;
        const [alice, bob] = threeOf(context);
        await untilMeshed(context, nodes, HEALED_MS);
        await using traffic = await Traffic.of(context, nodes, RATE);
        const link = links.find(({ from, to }) => [from, to].includes(alice.name) && [from, to].includes(bob.name))!;
        const stretch = await traffic.during(async () => {
          const fault = await faults.halfOpen(link, alice);
          const goesRound = (): boolean => traffic.path(alice, bob) === ANOTHER_WAY;
          const round = await eventually('a message goes another way', goesRound, PATIENCE_MS);
          await clock.sleep(USED_MS, signal);
          await fault.heal();
          await untilMeshed(context, nodes, PATIENCE_MS, 'all are linked again');
          claim('replaced', 'black-hole.replaced', 'MUST', within(NOTICED_MS, fault, 'applied', round), { needsFaults: [fault] });
        });
        traffic.claimWhole('whole', 'black-hole.whole', stretch);
      },
    },
  },
);
