import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { payloadOf, twoOf } from '../nodes.ts';

const PURPOSE = 'muster.lab.smoke.v1';

export const signatures = exercise(
  {
    'sign.verifies-elsewhere': 'What one agent signs, another node verifies as its signature.',
    'sign.bound': 'A signature holds for its payload and purpose only.',
  },
  {
    id: 'smoke/signatures',
    title: 'a signature made here is verified there',
    needs: { nodes: 2, capabilities: ['identity.sign', 'identity.verify'] },
    phases: {
      async drive(context) {
        const { claim, need } = context;
        const [alice, bob] = twoOf(context);
        const payload_b64 = payloadOf(context.topic('statement'));
        const signed = await alice.rest('identity.sign', { payload_b64, context: PURPOSE });
        const { signature_b64, public_key_b64 } = await need(signed, 'alice signs');
        const good = { payload_b64, signature_b64, context: PURPOSE };
        const [byKey, byAgent, otherPayload, otherPurpose] = await Promise.all([
          bob.rest('identity.verify', { ...good, public_key_b64 }),
          bob.rest('identity.verify', { ...good, agent_id: alice.agentId }),
          bob.rest('identity.verify', { ...good, public_key_b64, payload_b64: payloadOf('another') }),
          bob.rest('identity.verify', { ...good, public_key_b64, context: `${PURPOSE}.other` }),
        ]);
        claim('valid', 'sign.verifies-elsewhere', 'MUST', claims.equals(at(byKey, '/output/valid'), true));
        claim('names-agent', 'sign.verifies-elsewhere', 'MUST', claims.equals(at(byKey, '/output/agent_id'), alice.agentId));
        claim('valid-by-id', 'sign.verifies-elsewhere', 'MUST', claims.equals(at(byAgent, '/output/valid'), true));
        claim('other-payload', 'sign.bound', 'MUST', claims.equals(at(otherPayload, '/output/valid'), false));
        claim('other-purpose', 'sign.bound', 'MUST', claims.equals(at(otherPurpose, '/output/valid'), false));
      },
    },
  },
);
