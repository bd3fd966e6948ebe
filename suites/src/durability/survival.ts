/** Claims that what was decided and who a node is are the same after a fault. */
import type { Fault, NodeHandle, ScenarioContext } from '@muster/lab';
import { at, type Claim, claims, type Reference } from '@muster/proof';
import { required } from './requirements.ts';
import { decide, type Decided, readStanding, type Standing } from './standing.ts';

/** Decides, lets `breakIt` break and heal the node, and claims that nothing of it changed. */
export async function claimSurvival(context: ScenarioContext, node: NodeHandle, neighbour: NodeHandle, breakIt: () => Promise<Fault>): Promise<void> {
  const decided = await decide(context, node, neighbour);
  const before = await readStanding(node, decided);
  const { token } = node.target;
  const fault = await breakIt();
  const after = await readStanding(node, decided);
  const byOldToken = await node.raw('identity.get', { method: 'GET', target: '/agent', token });

  const same = (pick: (standing: Standing) => readonly Reference[]): Claim => {
    const late = pick(after);
    return claims.stateSurvives(fault.id, ...pick(before).map((reference, index) => ({ before: reference, after: late[index]! })));
  };
  const claim = (check: string, requirement: { readonly id: string }, title: string, what: Claim): void =>
    context.claim(check, requirement.id, 'MUST', what, { title, needsFaults: [fault] });
  claim(
    'contacts',
    required.contacts,
    'every contact has its level and label',
    same((standing) => contactsIn(standing, decided)),
  );
  claim(
    'trust',
    required.trust,
    'every trust decision is the same',
    same(({ verdicts }) => verdicts.map((one) => at(one, '/output/decision'))),
  );
  claim(
    'pins',
    required.pins,
    'the pinned machine is pinned',
    same(({ machines }) => [at(machines, '/output/machines')]),
  );
  claim(
    'revocations',
    required.revocations,
    'the revocation stands',
    same(({ revocations }) => [at(revocations, '/output/revocations')]),
  );
  claim(
    'identity',
    required.identity,
    'ids and keys are the same',
    same(({ identity }) => keys.map((key) => at(identity, `/output/${key}`))),
  );
  claim('token', required.identity, 'the API token is the same', claims.status(byOldToken, 200));
}

const keys = ['agent_id', 'machine_id', 'kem_public_key_b64'];

/** What must not change of each contact; points at nothing where it is gone. `last_seen` may change. */
function contactsIn({ contacts }: Standing, { contacts: agents }: Decided): Reference[] {
  return agents.flatMap((agent) => {
    const index = contacts.output?.contacts.findIndex(({ agent_id }) => agent_id === agent) ?? -1;
    return ['agent_id', 'trust_level', 'label', 'added_at'].map((key) => at(contacts, `/output/contacts/${index}/${key}`));
  });
}
