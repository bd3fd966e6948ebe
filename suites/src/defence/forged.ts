import { inTheNameOf, publishEnvelope, scenario, withForgedSignature } from '@muster/lab';
import { claims } from '@muster/proof';
import { fromBase64, utf8Bytes } from '@muster/protocol';
import { required } from './requirements.ts';
import { Stage } from './stage.ts';

const TAMPERED = 'a message whose signature was changed';
const IMPERSONATED = 'a message in the name of the neighbour';

export const forgedSignatures = scenario({
  id: 'defence/forged',
  title: 'messages that their sender did not sign are dropped',
  requirements: [required.forged.id, required.unharmed.id],
  needs: { nodes: 2, powers: ['world', 'link'], capabilities: ['direct.inbox', 'status.metrics', 'identity.sign'] },
  phases: {
    async drive(context) {
      await using stage = await Stage.set(context, {
        published: 'gossip_rejected_total{reason="bad_signature"}',
        direct: 'dm_incoming_signature_failed_total',
      });
      const { peer, topic, neighbour } = stage;
      const { public_key_b64: key } = await context.need(neighbour.rest('identity.sign', { payload_b64: '' }), 'the neighbour tells its key');
      stage.publish(withForgedSignature(await stage.said(TAMPERED)));
      stage.publish(await publishEnvelope(inTheNameOf(peer, fromBase64(key)), topic, utf8Bytes(IMPERSONATED), stage.now()));
      stage.link.send({ kind: 'direct', envelope: withForgedSignature(await stage.written(TAMPERED)) });
      // The first answer is to the honest one: what has a bad signature is not answered at all.
      const answer = await stage.send(await stage.written('an honest letter'));
      await stage.settle();

      stage.claimUnheard('tampered', required.forged, TAMPERED, 'a changed signature is seen');
      stage.claimUnheard('impersonated', required.forged, IMPERSONATED, "another's name under an own signature is seen");
      await stage.claimNotInInbox('letters', required.forged, [TAMPERED], 'a forged letter is not taken');
      context.claim('honest-letter', required.forged.id, 'MUST', claims.equals({ seq: answer.seq, at: '/data/outcome' }, 'committed'), {
        title: 'an honest one is',
      });
      stage.claimCounted('published', required.forged, 2, 'both messages are counted as badly signed');
      stage.claimCounted('direct', required.forged, 1, 'the letter is counted as badly signed');
      await stage.claimUnharmed();
    },
  },
});
