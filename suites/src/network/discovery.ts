import { at, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

/** ms in which an announcement is known to a linked node */
const ANNOUNCED_MS = 10_000;

export const discovery = exercise(
  {
    'discovery.listed': 'An agent that announced itself is listed by a linked node within 10 s, with its machine.',
    'discovery.found': 'An agent in the cache is found at once, with addresses.',
    'discovery.unknown': 'Who was never heard of is told of nowhere: 404.',
    'discovery.machine': 'The machine of a discovered agent is told alike by agent, by id and in the list.',
    'discovery.by-user': 'A user that nobody disclosed has neither agents nor machines, and an agent that disclosed none is told with user_id null.',
  },
  {
    id: 'network/discovery',
    title: 'a linked agent is discovered, with its machine and addresses',
    needs: {
      nodes: 2,
      capabilities: ['discovery.agents', 'discovery.agent', 'discovery.find', 'machines.get', 'identity.announce'],
    },
    phases: {
      async drive(context) {
        const { claim, need } = context;
        const [alice, bob] = twoOf(context);
        const [agent_id, stranger] = [bob.agentId, toHex(context.random.bytes(32))];
        await need(bob.rest('identity.announce'), 'bob announces itself');
        const lists = async () => (await alice.client.discovery.agents()).agents.some((agent) => agent.agent_id === agent_id);
        const listed = await context.eventually('alice lists bob', lists, ANNOUNCED_MS);
        claim('in-time', 'discovery.listed', 'MUST', claims.atMost({ seq: listed.seq, at: '/data/ms' }, ANNOUNCED_MS, 'ms'));
        const [agents, entry, found, machine, byId, machines, reachable] = await Promise.all([
          alice.rest('discovery.agents'),
          alice.rest('discovery.agent', { agent_id }),
          alice.rest('discovery.find', { agent_id }),
          alice.rest('discovery.agentMachine', { agent_id }),
          alice.rest('machines.get', { machine_id: bob.machineId }),
          alice.rest('machines.discovered'),
          alice.rest('discovery.reachability', { agent_id }),
        ]);
        claim('lists', 'discovery.listed', 'MUST', claims.includes(at(agents, '/output/agents'), agent_id, '/agent_id'));
        claim('machine-id', 'discovery.listed', 'MUST', claims.equals(at(entry, '/output/agent/machine_id'), bob.machineId));
        claim('found', 'discovery.found', 'MUST', claims.equals(at(found, '/output/found'), true));
        claim('addresses', 'discovery.found', 'MUST', claims.matches(at(found, '/output/addresses/0'), ':[1-9][0-9]*$'));
        claim('reachable', 'discovery.found', 'MUST', claims.equals(at(reachable, '/output/likely_direct'), true));
        claim('by-agent', 'discovery.machine', 'MUST', claims.equals(at(machine, '/output/machine/machine_id'), bob.machineId));
        claim('by-id', 'discovery.machine', 'MUST', claims.includes(at(byId, '/output/machine/agent_ids'), agent_id));
        claim('in-list', 'discovery.machine', 'MUST', claims.includes(at(machines, '/output/machines'), bob.machineId, '/machine_id'));

        const nobody = { agent_id: stranger };
        claim('no-agent', 'discovery.unknown', 'MUST', claims.status(await alice.rest('discovery.agent', nobody), 404));
        claim('no-agent-machine', 'discovery.unknown', 'MUST', claims.status(await alice.rest('discovery.agentMachine', nobody), 404));
        claim('no-machine', 'discovery.unknown', 'MUST', claims.status(await alice.rest('machines.get', { machine_id: stranger }), 404));
        claim('unreachable', 'discovery.unknown', 'MUST', claims.status(await alice.rest('discovery.reachability', nobody), 404));

        const [theirs, hosts] = await Promise.all([
          alice.rest('discovery.agentsByUser', { user_id: stranger }),
          alice.rest('machines.byUser', { user_id: stranger }),
        ]);
        const undisclosed = await need(bob.rest('identity.userId'), 'bob says whose it is');
        if (undisclosed.user_id === null) claim('undisclosed', 'discovery.by-user', 'MUST', claims.equals(at(entry, '/output/agent/user_id'), null));
        claim('no-agents', 'discovery.by-user', 'MUST', claims.absent(at(theirs, '/output/agents/0')), { premise: claims.status(theirs, 200) });
        claim('no-machines', 'discovery.by-user', 'MUST', claims.absent(at(hosts, '/output/machines/0')), { premise: claims.status(hosts, 200) });
      },
    },
  },
);
