import { scenario } from '@muster/lab';
import { at, claims, literal } from '@muster/proof';
import { heardOnce, listen, publish } from './listener.ts';
import { twoOf } from '../nodes.ts';
import { meshed, untilMeshed } from './peers.ts';
import { HEALED_MS, required } from './requirements.ts';

/** each start is another race */
const STARTS = 3;
/** a link that lost the race is closed by then */
const SETTLED_MS = 1500;

export const simultaneousStart = scenario({
  id: 'links/simultaneous',
  title: 'two nodes that start at the same moment settle on one link',
  requirements: [required.oneLink.id],
  needs: { nodes: 2, powers: ['kill', 'process'] },
  phases: {
    async drive(context) {
      const { claim, eventually, faults, signal } = context;
      const [alice, bob] = twoOf(context);
      const both = [alice, bob];
      const check = (name: string, title: string, what: Parameters<typeof claim>[3]): void =>
        claim(name, required.oneLink.id, 'MUST', what, { title });
      for (let start = 1; start <= STARTS; start++) {
        // The world has just started them together; from then on it is done again.
        if (start > 1) {
          const killed = await Promise.all(both.map((node) => faults.kill(node)));
          await Promise.all(killed.map((fault) => fault.heal()));
        }
        const linked = await untilMeshed(context, both, HEALED_MS);
        check(`linked/${start}`, 'both list each other within 5 s', claims.exists({ seq: linked.seq, at: '/data/ms' }));
        const lost = await eventually('one of them lists another peer, or none', async () => !(await meshed(both, signal)), SETTLED_MS);
        check(`kept/${start}`, 'the link is not lost again', claims.equals({ seq: lost.seq, at: '/data/held' }, false));
        const [ofAlice, ofBob] = await Promise.all([alice.rest('network.peers'), bob.rest('network.peers')]);
        check(`alice/${start}`, 'one lists exactly the other', claims.equals(at(ofAlice, '/output/peers'), literal([{ id: bob.machineId }])));
        check(`bob/${start}`, 'the other lists exactly the one', claims.equals(at(ofBob, '/output/peers'), literal([{ id: alice.machineId }])));
      }
      const topic = context.topic('both-ways');
      const listeners = await Promise.all(both.map((node) => listen(context, node, topic)));
      await Promise.all([publish(context, alice, topic, 'from alice'), publish(context, bob, topic, 'from bob')]);
      await Promise.all([listeners[0]!.heard('from bob', HEALED_MS), listeners[1]!.heard('from alice', HEALED_MS)]);
      check('from-alice', 'a message goes over it once', heardOnce(bob, topic, 'from alice'));
      check('from-bob', 'a message goes over it once, the other way', heardOnce(alice, topic, 'from bob'));
    },
  },
});
