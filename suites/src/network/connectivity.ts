import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

export const connectivity = exercise(
  {
    'network.status': 'A linked node counts at least one peer, and each of its links as direct or relayed.',
    'network.agree': '/network/status and /diagnostics/connectivity tell the same of addresses and links, and name the machine of the node.',
    'network.cache': 'The peers to begin with next time are as many as are said, and name the machine that is linked.',
  },
  {
    id: 'network/connectivity',
    title: 'a node tells how it takes part in the network',
    needs: { nodes: 2, capabilities: ['network.status', 'network.bootstrapCache', 'diagnostics.connectivity'] },
    phases: {
      async drive(context) {
        const { claim } = context;
        const [alice, bob] = twoOf(context);
        const [status, seen, cache] = await Promise.all([
          alice.rest('network.status'),
          alice.rest('diagnostics.connectivity'),
          alice.rest('network.bootstrapCache'),
        ]);
        const links = status.output ? status.output.direct_connections + status.output.relayed_connections : -1;
        claim('linked', 'network.status', 'MUST', claims.atLeast(at(status, '/output/connected_peers'), 1));
        claim('adds-up', 'network.status', 'MUST', claims.equals(at(status, '/output/connected_peers'), links));
        claim('up', 'network.status', 'MUST', claims.atLeast(at(status, '/output/uptime_secs'), 0));
        claim('machine', 'network.agree', 'MUST', claims.equals(at(seen, '/output/peer_id'), alice.machineId));
        for (const field of ['local_addr', 'external_addrs', 'nat_type', 'has_global_address', 'can_receive_direct'])
          claim(field, 'network.agree', 'MUST', claims.equals(at(seen, `/output/${field}`), at(status, `/output/${field}`)));
        const alike = claims.equals(at(seen, '/output/connections/connected_peers'), at(status, '/output/connected_peers'));
        claim('links', 'network.agree', 'MUST', alike);
        const cached = cache.output?.connected_peers ?? [];
        const place = cached.findIndex((text) => text.includes(bob.machineId));
        claim('cache-counts', 'network.cache', 'MUST', claims.equals(at(cache, '/output/connection_count'), cached.length));
        claim('cache-names', 'network.cache', 'MUST', claims.includes(at(cache, `/output/connected_peers/${Math.max(0, place)}`), bob.machineId));
      },
    },
  },
);
