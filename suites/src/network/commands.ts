import type { NodeHandle, Operation } from '@muster/lab';
import { at, type Claim, claims } from '@muster/proof';
import { toHex } from '@muster/protocol';
import { exercise } from '../exercise.ts';
import { twoOf } from '../nodes.ts';

/** By command and by REST. */
type Both = readonly [cli: Operation, rest: Operation];

export const commands = exercise(
  {
    'network.commands': 'Commands for peers, discovery, machines and diagnostics answer what REST answers, and are refused where it refuses.',
  },
  {
    id: 'network/commands',
    title: 'the command line tells of the network what REST tells',
    needs: { nodes: 2, surfaces: ['cli'], capabilities: ['network.peers', 'discovery.find', 'machines.get', 'diagnostics.dm'] },
    phases: {
      async drive(context) {
        const [alice, bob] = twoOf(context);
        const claim = (check: string, what: Claim): void => context.claim(check, 'network.commands', 'MUST', what);
        for (const [check, [cli, rest]] of Object.entries(await settled(alice, bob)))
          claim(check, claims.equals(at(cli, '/output'), at(rest, '/output')));
        for (const [check, cli] of Object.entries(await changing(alice, bob))) claim(check, claims.equals(at(cli, '/output/ok'), true));
        const stranger = { peer_id: toHex(context.random.bytes(32)) };
        claim('probe-refused', claims.status(await alice.cli('network.probe', stranger), 1));
      },
    },
  },
);

/** Answers that are the same each time. */
async function settled(alice: NodeHandle, bob: NodeHandle): Promise<Record<string, Both>> {
  const [agent, user] = [{ agent_id: bob.agentId }, { user_id: alice.agentId }];
  const answers: Record<string, Both> = {};
  for (const name of ['discovery.find', 'discovery.reachability'] as const)
    answers[name] = [await alice.cli(name, agent), await alice.rest(name, agent)];
  for (const name of ['discovery.agentsByUser', 'machines.byUser'] as const)
    answers[name] = [await alice.cli(name, user), await alice.rest(name, user)];
  return answers;
}

/** Answers with times or counters in them. */
async function changing(alice: NodeHandle, bob: NodeHandle): Promise<Record<string, Operation>> {
  const [agent, peer] = [{ agent_id: bob.agentId }, { peer_id: bob.machineId }];
  const answers: Record<string, Operation> = {};
  for (const name of [
    'network.status',
    'network.bootstrapCache',
    'diagnostics.connectivity',
    'diagnostics.gossip',
    'diagnostics.dm',
    'discovery.agents',
    'machines.discovered',
  ] as const)
    answers[name] = await alice.cli(name);
  answers['network.probe'] = await alice.cli('network.probe', { ...peer, timeout_ms: 1_000 });
  answers['network.peerHealth'] = await alice.cli('network.peerHealth', peer);
  answers['discovery.agent'] = await alice.cli('discovery.agent', agent);
  answers['discovery.agentMachine'] = await alice.cli('discovery.agentMachine', agent);
  answers['machines.get'] = await alice.cli('machines.get', { machine_id: bob.machineId });
  return answers;
}
