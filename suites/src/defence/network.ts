import { PeerLinkClosed, placeOf, publishEnvelope, scenario, ScriptedPeer } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { type NetworkId, utf8Bytes } from '@muster/protocol';
import { required } from './requirements.ts';
import { Stage } from './stage.ts';

const ELSEWHERE = 'ff'.repeat(32) as NetworkId;
const FOREIGN = 'a message made for another network';

export const otherNetwork = scenario({
  id: 'defence/network',
  title: 'peers and messages of another network are refused',
  requirements: [required.network.id, required.unharmed.id],
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['direct.inbox', 'status.metrics'] },
  phases: {
    async drive(context) {
      const { claim, record } = context;
      await using stage = await Stage.set(context, {
        hellos: 'hello_refused_total{reason="wrong_network"}',
        messages: 'gossip_rejected_total{reason="wrong_network"}',
      });
      const place = await placeOf(stage.node);
      await using stranger = new ScriptedPeer({ ...place, hello: { network: ELSEWHERE } });
      const goodbye = await stranger.dial(place.address).then(
        () => null,
        (error: unknown) => {
          if (error instanceof PeerLinkClosed) return error.goodbye ?? '';
          throw error;
        },
      );
      const parting = record.observe('stranger', 'link', 'refused', { goodbye });
      stage.publish(await publishEnvelope({ ...stage.peer, network: ELSEWHERE }, stage.topic, utf8Bytes(FOREIGN), stage.now()));
      await stage.settle();
      const peers = await stage.node.rest('network.peers');

      claim('told', required.network.id, 'MUST', claims.equals({ seq: parting.seq, at: '/data/goodbye' }, 'wrong_network'), {
        title: 'the stranger is told why it is sent away',
      });
      const listed = at(peers, '/output/peers');
      claim('no-peer', required.network.id, 'MUST', claims.excludes(listed, stranger.machineId, '/id'), {
        title: 'it is no peer',
        premise: claims.includes(listed, stage.peer.machineId, '/id'),
      });
      stage.claimUnheard('foreign', required.network, FOREIGN, 'a message made for another network is not delivered');
      stage.claimCounted('hellos', required.network, 1, 'the hello is counted as of the wrong network');
      stage.claimCounted('messages', required.network, 1, 'the message is counted as of the wrong network');
      await stage.claimUnharmed();
    },
  },
});
