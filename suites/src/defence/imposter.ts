import { directEnvelope, scenario } from '@muster/lab';
import { claims } from '@muster/proof';
import { utf8Bytes } from '@muster/protocol';
import { required } from './requirements.ts';
import { Stage } from './stage.ts';

const CARRIED = "another agent's letter";
const MISDIRECTED = 'a letter to somebody else';

export const imposter = scenario({
  id: 'defence/imposter',
  title: 'a direct message over the link of another agent is rejected',
  requirements: [required.imposter.id, required.unharmed.id],
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['direct.inbox', 'status.metrics'] },
  phases: {
    async drive(context) {
      const { claim } = context;
      await using stage = await Stage.set(context, { rejected: 'dm_incoming_rejected_total' });
      const { peer, node, neighbour } = stage;
      const other = { ...peer, agentKey: peer.crypto.signingKey() };
      const carried = await stage.send(await directEnvelope(other, node.agentId, utf8Bytes(CARRIED), stage.now()));
      const misdirected = await stage.send(await directEnvelope(peer, neighbour.agentId, utf8Bytes(MISDIRECTED), stage.now()));
      const own = await stage.send(await stage.written('an own letter'));
      await stage.settle();

      const answered = (check: string, { seq }: { seq: number }, outcome: string, title: string): void =>
        claim(check, required.imposter.id, 'MUST', claims.equals({ seq, at: '/data/outcome' }, outcome), { title });
      answered('carried', carried, 'rejected', "a well-signed letter of another agent's is rejected");
      answered('misdirected', misdirected, 'rejected', 'a letter to another agent is rejected');
      answered('own', own, 'committed', 'a letter of its own is taken');
      await stage.claimNotInInbox('letters', required.imposter, [CARRIED, MISDIRECTED], 'no rejected letter is in the inbox');
      stage.claimCounted('rejected', required.imposter, 2, 'both are counted as rejected');
      await stage.claimUnharmed();
    },
  },
});
