import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

const LINK_LIMIT_MS = 2_000;

export const linked = exercise(
  {
    'links.found-unasked': 'Two nodes of one network on one host are linked within 2 s without any configuration.',
    'links.shown': 'A linked node is shown by its machine id in /peers and by its agent id in /direct/connections.',
  },
  {
    id: 'smoke/linked',
    title: 'two nodes find and show each other',
    needs: { nodes: 2, capabilities: ['network.peers', 'direct.connections', 'identity.get'], unlinked: true },
    phases: {
      async drive(context) {
        const { claim } = context;
        const [alice, bob] = twoOf(context);
        const both = [
          [alice, bob],
          [bob, alice],
        ] as const;
        const found = await context.eventually(
          'each shows the other as a peer',
          async () => {
            const shown = await Promise.all(both.map(([node]) => node.rest('network.peers')));
            return shown.every(({ output }, index) => output?.peers.some(({ id }) => id === both[index]![1].machineId));
          },
          LINK_LIMIT_MS,
        );
        claim('in-time', 'links.found-unasked', 'MUST', claims.atMost({ seq: found.seq, at: '/data/ms' }, LINK_LIMIT_MS, 'ms'));
        for (const [node, other] of both) {
          const [identity, peers, connections] = await Promise.all([
            other.rest('identity.get'),
            node.rest('network.peers'),
            node.rest('direct.connections'),
          ]);
          const shows = claims.includes(at(peers, '/output/peers'), at(identity, '/output/machine_id'), '/id');
          claim(`${node.name}-shows-machine`, 'links.shown', 'MUST', shows);
          const connected = claims.includes(at(connections, '/output/connections'), at(identity, '/output/agent_id'), '/agent_id');
          claim(`${node.name}-shows-agent`, 'links.shown', 'MUST', connected);
          const itself = claims.excludes(at(peers, '/output/peers'), node.machineId, '/id');
          claim(`${node.name}-is-no-peer-of-itself`, 'links.shown', 'MUST', itself);
        }
      },
    },
  },
);
