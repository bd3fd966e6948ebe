import { at, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

/** the least that a probe waits, whatever is asked for */
const PROBE_LEAST_MS = 100;

export const peers = exercise(
  {
    'peer.probe': 'A linked machine answers a probe, in any case of its id, and the time limit is kept within bounds.',
    'peer.probe-unknown': 'Probing a machine that is not linked is refused with 503.',
    'peer.health': 'A linked machine is told as connected, with the generation of its link; an unknown one as not connected, with 200.',
  },
  {
    id: 'network/peers',
    title: 'peers are probed and their health is told',
    needs: { nodes: 2, capabilities: ['network.probe', 'network.peerHealth'] },
    phases: {
      async drive(context) {
        const { claim } = context;
        const [alice, bob] = twoOf(context);
        const stranger = toHex(context.random.bytes(32));
        const [probe, lost, health, unknown] = await Promise.all([
          alice.rest('network.probe', { peer_id: bob.machineId.toUpperCase(), timeout_ms: 1 }),
          alice.rest('network.probe', { peer_id: stranger }),
          alice.rest('network.peerHealth', { peer_id: bob.machineId }),
          alice.rest('network.peerHealth', { peer_id: stranger }),
        ]);
        claim('answers', 'peer.probe', 'MUST', claims.status(probe, 200));
        claim('bounded', 'peer.probe', 'MUST', claims.equals(at(probe, '/output/timeout_ms'), PROBE_LEAST_MS));
        claim('in-time', 'peer.probe', 'MUST', claims.atMost(at(probe, '/output/rtt_ms'), PROBE_LEAST_MS, 'ms'));
        claim('measured', 'peer.probe', 'MUST', claims.atLeast(at(probe, '/output/rtt_us'), 1, 'µs'));
        claim('refused', 'peer.probe-unknown', 'MUST', claims.status(lost, 503));
        claim('peer-id', 'peer.health', 'MUST', claims.equals(at(health, '/output/peer_id'), bob.machineId));
        claim('connected', 'peer.health', 'MUST', claims.equals(at(health, '/output/snapshot/connected'), true));
        claim('generation', 'peer.health', 'MUST', claims.atLeast(at(health, '/output/snapshot/generation'), 0));
        claim('unknown-told', 'peer.health', 'MUST', claims.status(unknown, 200));
        claim('unknown', 'peer.health', 'MUST', claims.equals(at(unknown, '/output/snapshot/connected'), false));
      },
    },
  },
);
