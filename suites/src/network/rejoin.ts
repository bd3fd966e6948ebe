import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { untilLinked } from '../links/peers.ts';
import { threeOf } from '../nodes.ts';

const MESHED_MS = 10_000;
/** ms in which nodes that start again are linked, though the peer that they were given is gone */
const REJOINED_MS = 5_000;
const PATIENCE_MS = 20_000;

export const rejoin = exercise(
  { 'network.rejoin': 'Nodes that start again find each other within 5 s by what they remember, when the only peer that they were given is gone.' },
  {
    id: 'network/rejoin',
    title: 'who was met before is found again without the peer that introduced them',
    needs: { nodes: 3, wiring: 'star', powers: ['kill', 'restart'], capabilities: ['network.peers'] },
    phases: {
      async drive(context) {
        const { claim, faults, record } = context;
        const [hub, bob, carol] = threeOf(context);
        await untilLinked(context, bob, carol, MESHED_MS);
        const gone = await faults.kill(hub);
        const ended = [await faults.restart(bob), await faults.restart(carol)] as const;
        for (const fault of ended) await fault.heal();
        const up = record.observe('lab', 'network', 'up', { nodes: [bob.name, carol.name] });
        const linked = await untilLinked(context, bob, carol, PATIENCE_MS);
        const peers = await carol.rest('network.peers');
        const options = {
          needsFaults: [gone, ...ended],
          premise: claims.excludes(at(peers, '/output/peers'), hub.machineId, '/id'),
        };
        claim('linked', 'network.rejoin', 'MUST', claims.includes(at(peers, '/output/peers'), bob.machineId, '/id'), options);
        claim('in-time', 'network.rejoin', 'MUST', claims.elapsedAtMost({ seq: up.seq }, { seq: linked.seq }, REJOINED_MS), options);
        await gone.heal();
      },
    },
  },
);
