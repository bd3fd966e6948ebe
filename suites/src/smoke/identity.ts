import { at, claims } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

/** 1,184 bytes of ML-KEM-768 key in base64 */
const KEM_KEY = '^[A-Za-z0-9+/]{1579}=$';
const ADDRESS = '^.+:[1-9][0-9]*$';
const ID = '^[0-9a-f]{64}$';

export const identity = exercise(
  {
    'status.healthy': 'A node that answers says that it is healthy, and /health and /status agree on its version.',
    'status.itself': '/status names the address of the API, the agent of /agent, and that it is connected once it is linked.',
    'identity.shape': 'Agent and machine ids are 64 lower-case hex characters, and the KEM key has 1,184 bytes.',
    'identity.own': 'No two nodes share an agent id, a machine id or a KEM key, and no agent id is a machine id.',
    'identity.stable': 'A node gives the same identity each time it is asked.',
  },
  {
    id: 'smoke/identity',
    title: 'health, status and identity are well-formed and agree',
    needs: { nodes: 2, capabilities: ['status.health', 'status.get', 'identity.get', 'identity.userId'] },
    phases: {
      async drive(context) {
        const { claim } = context;
        const [alice, bob] = twoOf(context);
        const [health, status, who, again, user, other] = await Promise.all([
          alice.rest('status.health'),
          alice.rest('status.get'),
          alice.rest('identity.get'),
          alice.rest('identity.get'),
          alice.rest('identity.userId'),
          bob.rest('identity.get'),
        ]);
        claim('health-status', 'status.healthy', 'MUST', claims.status(health, 200));
        claim('healthy', 'status.healthy', 'MUST', claims.equals(at(health, '/output/status'), 'healthy'));
        claim('version', 'status.healthy', 'MUST', claims.equals(at(health, '/output/version'), at(status, '/output/version')));
        claim('peers', 'status.itself', 'MUST', claims.atLeast(at(health, '/output/peers'), 1));
        claim('connected', 'status.itself', 'MUST', claims.oneOf(at(status, '/output/status'), ['connected', 'degraded']));
        claim('address', 'status.itself', 'MUST', claims.matches(at(status, '/output/api_address'), ADDRESS));
        claim('agent', 'status.itself', 'MUST', claims.equals(at(status, '/output/agent_id'), at(who, '/output/agent_id')));
        claim('agent-id', 'identity.shape', 'MUST', claims.matches(at(who, '/output/agent_id'), ID));
        claim('machine-id', 'identity.shape', 'MUST', claims.matches(at(who, '/output/machine_id'), ID));
        claim('kem-key', 'identity.shape', 'MUST', claims.matches(at(who, '/output/kem_public_key_b64'), KEM_KEY));
        for (const field of ['agent_id', 'machine_id', 'kem_public_key_b64']) {
          const differs = claims.differs(at(who, `/output/${field}`), at(other, `/output/${field}`));
          claim(`own-${field}`, 'identity.own', 'MUST', differs);
        }
        claim('agent-is-no-machine', 'identity.own', 'MUST', claims.differs(at(who, '/output/agent_id'), at(who, '/output/machine_id')));
        claim('stable', 'identity.stable', 'MUST', claims.equals(at(who, '/output'), at(again, '/output')));
        claim('user', 'identity.stable', 'MUST', claims.equals(at(user, '/output/user_id'), at(who, '/output/user_id')));
      },
    },
  },
);
