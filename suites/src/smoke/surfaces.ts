import type { ScenarioContext } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

export const surfaces = exercise(
  {
    'surfaces.equal': 'The command line and the typed client answer what REST answers, but for fields declared to vary.',
    'surfaces.refusal': 'What REST refuses the command line refuses: exit code 1 and the same error.',
  },
  {
    id: 'smoke/surfaces',
    title: 'REST, command line and client give the same answers',
    needs: { nodes: 2, surfaces: ['cli', 'client'], capabilities: ['identity.get', 'trust.evaluate', 'contacts.remove'] },
    phases: {
      async drive(context) {
        await Promise.all([sameIdentity(context), sameDecision(context), sameRefusal(context)]);
      },
    },
  },
);

async function sameIdentity(context: ScenarioContext): Promise<void> {
  const [alice] = twoOf(context);
  const [rest, cli, typed] = await Promise.all([alice.rest('identity.get'), alice.cli('identity.get'), alice.typed('identity.get')]);
  context.claim('identity/cli', 'surfaces.equal', 'MUST', claims.equals(at(cli, '/output'), at(rest, '/output')));
  for (const field of ['agent_id', 'machine_id', 'user_id', 'kem_public_key_b64']) {
    const same = claims.equals(at(typed, `/output/${field}`), at(rest, `/output/${field}`));
    context.claim(`identity/client/${field}`, 'surfaces.equal', 'MUST', same);
  }
}

async function sameDecision(context: ScenarioContext): Promise<void> {
  const [alice, bob] = twoOf(context);
  const input = { agent_id: bob.agentId, machine_id: bob.machineId };
  const [rest, cli, typed] = await Promise.all([
    alice.rest('trust.evaluate', input),
    alice.cli('trust.evaluate', input),
    alice.typed('trust.evaluate', input),
  ]);
  context.claim('decision/cli', 'surfaces.equal', 'MUST', claims.equals(at(cli, '/output'), at(rest, '/output')));
  const same = claims.equals(at(typed, '/output/decision'), at(rest, '/output/decision'));
  context.claim('decision/client', 'surfaces.equal', 'MUST', same);
}

async function sameRefusal(context: ScenarioContext): Promise<void> {
  const [alice] = twoOf(context);
  const stranger = { agent_id: toHex(context.random.bytes(32)) };
  const [rest, cli] = await Promise.all([alice.rest('contacts.remove', stranger), alice.cli('contacts.remove', stranger)]);
  context.claim('refused', 'surfaces.refusal', 'MUST', claims.status(cli, 1));
  context.claim('refused-alike', 'surfaces.refusal', 'MUST', claims.equals(at(cli, '/output'), at(rest, '/output')));
}
