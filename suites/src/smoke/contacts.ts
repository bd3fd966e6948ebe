import type { NodeHandle, ScenarioContext } from '@muster/lab';
import { at, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

const REASON = 'its key was stolen';

interface Stranger {
  readonly agent: string;
  readonly machine: string;
  readonly elsewhere: string;
}

export const contacts = exercise(
  {
    'contacts.lifecycle': 'A contact can be added (201), listed, trusted, updated and removed; afterwards it is unknown (404).',
    'contacts.machines': 'A machine of a contact is added with 201, again with 200, and removed with 204.',
    'trust.levels': 'A stranger is Unknown, a known agent AcceptWithFlag, a trusted one Accept, a blocked one RejectBlocked.',
    'trust.pinning': 'With a pinned machine the agent is accepted from there and refused from any other, until it is unpinned.',
    'trust.revocation': 'A revocation blocks for good: neither removing the contact nor trusting it again lifts it.',
  },
  {
    id: 'smoke/contacts',
    title: 'the life of a contact, from stranger to revoked',
    needs: {
      nodes: 2,
      capabilities: [
        'contacts.add',
        'contacts.list',
        'contacts.update',
        'contacts.remove',
        'contacts.revoke',
        'contacts.addMachine',
        'trust.evaluate',
      ],
    },
    phases: {
      async drive(context) {
        const [alice] = twoOf(context);
        const id = (): string => toHex(context.random.bytes(32));
        const stranger = { agent: id(), machine: id(), elsewhere: id() };
        await life(context, alice, stranger);
        await pinning(context, alice, stranger);
        await end(context, alice, stranger);
      },
    },
  },
);

async function life({ claim }: ScenarioContext, node: NodeHandle, { agent, machine }: Stranger): Promise<void> {
  const agent_id = agent;
  const decides = async (check: string, decision: string): Promise<void> => {
    const judged = await node.rest('trust.evaluate', { agent_id, machine_id: machine });
    claim(`decides/${check}`, 'trust.levels', 'MUST', claims.equals(at(judged, '/output/decision'), decision));
  };
  await decides('stranger', 'Unknown');
  claim(
    'adds',
    'contacts.lifecycle',
    'MUST',
    claims.status(await node.rest('contacts.add', { agent_id, trust_level: 'Known', label: 'Carol' }), 201),
  );
  const listed = await node.rest('contacts.list');
  const level = listed.output?.contacts.findIndex((contact) => contact.agent_id === agent) ?? -1;
  claim('lists', 'contacts.lifecycle', 'MUST', claims.includes(at(listed, '/output/contacts'), agent, '/agent_id'));
  claim('labels', 'contacts.lifecycle', 'MUST', claims.equals(at(listed, `/output/contacts/${Math.max(0, level)}/label`), 'Carol'));
  await decides('known', 'AcceptWithFlag');
  claim('trusts', 'contacts.lifecycle', 'MUST', claims.status(await node.rest('contacts.setTrust', { agent_id, level: 'Trusted' }), 200));
  await decides('trusted', 'Accept');
  claim('updates', 'contacts.lifecycle', 'MUST', claims.status(await node.rest('contacts.update', { agent_id, trust_level: 'blocked' }), 200));
  await decides('blocked', 'RejectBlocked');
  await node.rest('contacts.update', { agent_id, trust_level: 'known' });
}

async function pinning({ claim }: ScenarioContext, node: NodeHandle, { agent, machine, elsewhere }: Stranger): Promise<void> {
  const ids = { agent_id: agent, machine_id: machine };
  const decides = async (check: string, machine_id: string, decision: string): Promise<void> => {
    const judged = await node.rest('trust.evaluate', { agent_id: agent, machine_id });
    claim(`pinned/${check}`, 'trust.pinning', 'MUST', claims.equals(at(judged, '/output/decision'), decision));
  };
  claim('machine-new', 'contacts.machines', 'MUST', claims.status(await node.rest('contacts.addMachine', ids), 201));
  claim('machine-again', 'contacts.machines', 'MUST', claims.status(await node.rest('contacts.addMachine', ids), 200));
  const machines = await node.rest('contacts.machines', { agent_id: agent });
  claim('machine-listed', 'contacts.machines', 'MUST', claims.includes(at(machines, '/output/machines'), machine, '/machine_id'));
  const pinned = await node.rest('contacts.pinMachine', ids);
  claim('pins', 'trust.pinning', 'MUST', claims.equals(at(pinned, '/output/pinned'), true));
  await decides('there', machine, 'Accept');
  await decides('elsewhere', elsewhere, 'RejectMachineMismatch');
  const unpinned = await node.rest('contacts.unpinMachine', ids);
  claim('unpins', 'trust.pinning', 'MUST', claims.equals(at(unpinned, '/output/unpinned'), true));
  await decides('elsewhere-again', elsewhere, 'AcceptWithFlag');
  claim('machine-removed', 'contacts.machines', 'MUST', claims.status(await node.rest('contacts.removeMachine', ids), 204));
}

async function end({ claim }: ScenarioContext, node: NodeHandle, { agent, machine }: Stranger): Promise<void> {
  const agent_id = agent;
  const removed = await node.rest('contacts.remove', { agent_id });
  const without = await node.rest('contacts.list');
  const again = await node.rest('contacts.remove', { agent_id });
  claim('removes', 'contacts.lifecycle', 'MUST', claims.status(removed, 200));
  claim('unlists', 'contacts.lifecycle', 'MUST', claims.excludes(at(without, '/output/contacts'), agent, '/agent_id'));
  claim('knows-it-no-more', 'contacts.lifecycle', 'MUST', claims.status(again, 404));

  claim('revokes', 'trust.revocation', 'MUST', claims.status(await node.rest('contacts.revoke', { agent_id, reason: REASON }), 200));
  await node.rest('contacts.remove', { agent_id });
  await node.rest('contacts.setTrust', { agent_id, level: 'trusted' });
  const judged = await node.rest('trust.evaluate', { agent_id, machine_id: machine });
  const revocations = await node.rest('contacts.revocations', { agent_id });
  claim('stays-revoked', 'trust.revocation', 'MUST', claims.equals(at(judged, '/output/decision'), 'RejectBlocked'));
  claim('keeps-the-record', 'trust.revocation', 'MUST', claims.includes(at(revocations, '/output/revocations'), agent, '/agent_id'));
  await node.rest('contacts.remove', { agent_id });
}
