/** What an operator has decided about others: one decision of every kind, made on a node and read from it again. */
import type { NodeHandle, Operation, ScenarioContext } from '@muster/lab';
import { toHex } from '@muster/protocol';

export interface Decided {
  /** agent ids: a friend, somebody blocked, one who may come from one machine only, one who is revoked */
  readonly trusted: string;
  readonly blocked: string;
  readonly pinned: string;
  readonly revoked: string;
  /** the one machine of `pinned`, and another */
  readonly machine: string;
  readonly otherMachine: string;
  /** all contacts that must be there */
  readonly contacts: readonly string[];
}

/** Makes the decisions on `node`; `neighbour` becomes a contact too. */
export async function decide({ random, need }: ScenarioContext, node: NodeHandle, neighbour: NodeHandle): Promise<Decided> {
  const id = (): string => toHex(random.bytes(32));
  const [trusted, blocked, pinned, revoked, machine, otherMachine] = [id(), id(), id(), id(), id(), id()] as const;
  const add = (agent_id: string, trust_level: 'trusted' | 'known', label: string) =>
    need(node.rest('contacts.add', { agent_id, trust_level, label }), 'a contact can be added');
  await Promise.all([
    add(trusted, 'trusted', 'an old friend'),
    add(pinned, 'known', 'one machine only'),
    add(neighbour.agentId, 'known', 'next door'),
    need(node.rest('contacts.setTrust', { agent_id: blocked, level: 'blocked' }), 'an agent can be blocked'),
    need(node.rest('contacts.revoke', { agent_id: revoked, reason: 'its key was stolen' }), 'an agent can be revoked'),
  ]);
  const pin = { agent_id: pinned, machine_id: machine, label: 'the laptop', pinned: true };
  await need(node.rest('contacts.addMachine', pin), 'a machine can be pinned');
  return { trusted, blocked, pinned, revoked, machine, otherMachine, contacts: [trusted, blocked, pinned, revoked, neighbour.agentId] };
}

/** One reading of everything, as recorded operations. */
export interface Standing {
  readonly identity: Operation;
  readonly contacts: Operation<{ contacts: readonly { agent_id: string }[] }>;
  readonly machines: Operation;
  readonly revocations: Operation;
  readonly verdicts: readonly Operation[];
}

export async function readStanding(node: NodeHandle, decided: Decided): Promise<Standing> {
  const { trusted, blocked, pinned, revoked, machine, otherMachine } = decided;
  const evaluate = (agent_id: string, machine_id: string) => node.rest('trust.evaluate', { agent_id, machine_id });
  const [identity, contacts, machines, revocations, ...verdicts] = await Promise.all([
    node.rest('identity.get'),
    node.rest('contacts.list'),
    node.rest('contacts.machines', { agent_id: pinned }),
    node.rest('contacts.revocations', { agent_id: revoked }),
    evaluate(trusted, otherMachine),
    evaluate(blocked, otherMachine),
    evaluate(pinned, machine),
    evaluate(pinned, otherMachine),
    evaluate(revoked, otherMachine),
  ]);
  return { identity, contacts, machines, revocations, verdicts };
}
