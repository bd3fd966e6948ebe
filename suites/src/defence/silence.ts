import { placeOf, scenario, ScriptedPeer } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { required } from './requirements.ts';
import { Stage } from './stage.ts';

const HELLO_LIMIT_MS = 10_000;
/** what the node may take to close it once the time is over */
const GRACE_MS = 1000;

export const silentPeers = scenario({
  id: 'defence/silence',
  title: 'a connection on which no hello comes is closed',
  requirements: [required.silence.id, required.unharmed.id],
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['direct.inbox', 'status.metrics'] },
  phases: {
    async drive(context) {
      const { claim, eventually, record } = context;
      await using stage = await Stage.set(context, { silent: 'hello_refused_total{reason="timeout"}' });
      const place = await placeOf(stage.node);
      await using silent = new ScriptedPeer(place);
      const link = await silent.connect(place.address);
      const begun = record.observe('silent', 'link', 'connected', { machine_id: silent.machineId });
      await stage.claimUnharmed();
      const whileOpen = await stage.node.rest('network.peers');
      const closed = await eventually('the silent connection is closed', () => link.isClosed, HELLO_LIMIT_MS + GRACE_MS);
      await stage.settle();

      const limit = HELLO_LIMIT_MS + GRACE_MS;
      claim('closed', required.silence.id, 'MUST', claims.elapsedAtMost({ seq: begun.seq }, { seq: closed.seq }, limit), { title: 'it is closed' });
      claim('really', required.silence.id, 'MUST', claims.equals({ seq: closed.seq, at: '/data/held' }, true), { title: 'the peer saw it close' });
      const listed = at(whileOpen, '/output/peers');
      claim('no-peer', required.silence.id, 'MUST', claims.excludes(listed, silent.machineId, '/id'), {
        title: 'it never counts as a peer',
        premise: claims.includes(listed, stage.peer.machineId, '/id'),
      });
      stage.claimCounted('silent', required.silence, 1, 'it is counted as a hello that did not come');
    },
  },
});
